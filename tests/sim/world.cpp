#include "tests/sim/world.hpp"

#include <algorithm>

namespace ballast::vrrpd::sim {
namespace {

/// A schedule has some thousands; a storm of answers has more.
constexpr std::uint64_t most_events = 60'000;
constexpr Duration most_lateness = std::chrono::microseconds{200};  ///< of a process that is woken up

template <class T>
std::uint32_t keep(std::vector<T>& all, std::vector<std::uint32_t>& free, T item) {
  if (free.empty()) {
    all.push_back(std::move(item));
    return static_cast<std::uint32_t>(all.size() - 1);
  }
  const auto index = free.back();
  free.pop_back();
  all[index] = std::move(item);
  return index;
}

}  // namespace

World::World(const Plan& plan, std::uint64_t seed, Trace trace)
    : plan_{plan}, trace_{std::move(trace)}, random_{seed ^ 0x5851'f42d'4c95'7f2dU}, network_{plan}, judge_{*this} {
  for (unsigned i = 0; i < plan.routers; ++i) machines_.push_back(std::make_unique<Machine>(*this, i, plan));
  for (std::size_t i = 0; i < plan.disturbances.size(); ++i) {
    push(start_ + plan.disturbances[i].at, Kind::begin, i);
    push(start_ + plan.disturbances[i].at + plan.disturbances[i].length, Kind::end, i);
  }
}

std::optional<std::string> World::run() {
  judge_.begin();
  for (auto& machine : machines_)
    push(start_ + random_.between({}, plan_.interval), Kind::restart, 0, machine->number());
  const auto settled = start_ + plan_.settled_at;
  const auto end = start_ + plan_.end;
  bool watching = false;
  while (!queue_.empty() && queue_.front().at <= end && !judge_.verdict()) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Event event = queue_.back();
    queue_.pop_back();
    if (!watching && event.at >= settled) {
      watching = true;
      time_ = settled;
      judge_.watch();
    }
    time_ = std::max(time_, event.at);
    if (++happened_ > most_events) {
      judge_.fail("the traffic is not bounded");
      break;
    }
    happen(event);
  }
  time_ = std::max(time_, end);
  if (!judge_.verdict()) judge_.finish();
  return judge_.verdict();
}

void World::push(TimePoint at, Kind kind, std::size_t index, unsigned machine) {
  queue_.push_back({at, order_++, kind, static_cast<std::uint32_t>(index), machine});
  std::push_heap(queue_.begin(), queue_.end());
}

void World::set_alarm(const Alarm& alarm, TimePoint at) {
  const auto earliness = random_.between({}, alarm.timer.early);
  const auto lateness = random_.between({}, most_lateness);
  push(std::max(at - earliness + lateness, time_), Kind::alarm, keep(alarms_, free_alarms_, alarm));
}

void World::send(unsigned from, std::shared_ptr<const Packet> packet) {
  for (unsigned to = 0; to < machines_.size(); ++to) {
    if (to == from) continue;
    for (const auto late : network_.carry(packet->segment, from, to, random_)) {
      push(time_ + late, Kind::packet, keep(packets_, free_packets_, packet), to);
    }
  }
}

void World::check_later(TimePoint at, std::function<void()> check) {
  checks_.push_back(std::move(check));
  push(at, Kind::check, checks_.size() - 1);
}

bool World::is_calm(unsigned segment) const {
  return network_.is_whole(segment) &&
         std::ranges::none_of(machines_, [&](const auto& machine) { return machine->is_paused(); });
}

void World::happen(const Event& event) {
  switch (event.kind) {
    case Kind::packet:
      free_packets_.push_back(event.index);
      return machines_[event.machine]->arrive(std::exchange(packets_[event.index], {}));
    case Kind::alarm: {
      free_alarms_.push_back(event.index);
      const Alarm alarm = alarms_[event.index];
      return machines_[alarm.machine]->ring(alarm);
    }
    case Kind::begin:
      return begin(plan_.disturbances[event.index]);
    case Kind::end:
      return end(plan_.disturbances[event.index]);
    case Kind::restart:
      ++troubles_;
      tell("r{} starts", event.machine + 1);
      return machines_[event.machine]->start();
    case Kind::withdraw:
      ++troubles_;
      tell("r{} withdraws", event.machine + 1);
      return machines_[event.machine]->withdraw();
    case Kind::check:
      return checks_[event.index]();
  }
}

void World::begin(const Disturbance& trouble) {
  ++troubles_;
  auto& machine = *machines_[trouble.router];
  tell("** {}: r{} r{} segment {} for {}", name_of(trouble.what), trouble.router + 1, trouble.other + 1,
       trouble.segment, describe(trouble.length));
  switch (trouble.what) {
    case Trouble::withdrawn:
      push(time_ + trouble.length / 2, Kind::withdraw, 0, trouble.router);
      [[fallthrough]];
    case Trouble::crash:
      return machine.crash();
    case Trouble::stop:
      return machine.stop_in_order();
    case Trouble::stall:
    case Trouble::freeze:
      return machine.pause(trouble);
    case Trouble::clock_jump:
      return machine.jump_clock(trouble.length);
    case Trouble::loss:
    case Trouble::slow:
    case Trouble::duplicate:
    case Trouble::cut:
    case Trouble::partition:
      return network_.begin(trouble);
    case Trouble::link_down:
      return machine.set_link(interface_of(trouble.segment), false);
    case Trouble::tracked_down:
      return machine.set_link(tracked_interface, false);
    case Trouble::reload: {
      auto settings = machine.settings();
      change(settings, Random{trouble.dice});
      return machine.reload(settings);
    }
  }
}

void World::end(const Disturbance& trouble) {
  ++troubles_;
  auto& machine = *machines_[trouble.router];
  tell("** {} of r{} is over", name_of(trouble.what), trouble.router + 1);
  judge_.trouble_ended();
  switch (trouble.what) {
    case Trouble::crash:
    case Trouble::withdrawn:
    case Trouble::stop:
      if (!trouble.lasts) machine.start();
      return;
    case Trouble::stall:
      return machine.resume(trouble, {}, (trouble.dice & 1) != 0);
    case Trouble::freeze:
      return machine.resume(trouble, trouble.length, (trouble.dice & 1) != 0);
    case Trouble::loss:
    case Trouble::slow:
    case Trouble::duplicate:
    case Trouble::cut:
    case Trouble::partition:
      network_.end(trouble);
      return check_later(time_ + trouble.delay, [this, &trouble] {
        ++troubles_;
        network_.settle(trouble);
        judge_.trouble_ended();
      });
    case Trouble::link_down:
      return machine.set_link(interface_of(trouble.segment), true);
    case Trouble::tracked_down:
      if (!trouble.lasts) machine.set_link(tracked_interface, true);
      return;
    case Trouble::clock_jump:
    case Trouble::reload:
      return;
  }
}

}  // namespace ballast::vrrpd::sim
