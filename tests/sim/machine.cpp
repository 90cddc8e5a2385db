#include "tests/sim/machine.hpp"

#include <algorithm>

#include "tests/sim/world.hpp"

namespace ballast::vrrpd::sim {
namespace {

constexpr std::size_t socket_buffer = 400;  ///< packets that wait for a process that stands still

}  // namespace

Machine::Machine(World& world, unsigned number, const Plan& plan)
    : world_{world},
      number_{number},
      plan_{plan},
      settings_{plan.settings[number]},
      links_(plan.all_segments(), true),
      holds_(plan.instances, false),
      saved_(plan.instances, Role::init) {}

TimePoint Machine::clock() const { return world_.time() + offset_; }

TimePoint Machine::now() { return last_life_ = clock(); }

// --- the process -----------------------------------------------------------------------------------------------------

void Machine::start() {
  if (!is_dead()) return;
  silence_ = clock() - last_life_;
  inherited_ = saved_;
  ++life_;
  stopping_ = links_changed_ = false;
  inbox_.clear();
  late_.clear();
  group_ = {"VG", {}};
  std::vector<Beginner> beginners;
  for (unsigned i = 0; i < plan_.instances; ++i) {
    auto& station = *stations_.emplace_back(std::make_unique<Station>(i, settings_[i]));
    beginners.push_back({&station, heritage(i)});
  }
  if (plan_.grouped) {
    for (auto& station : stations_) {
      station->group = &group_;
      station->core.set_grouped(true);
      group_.members.push_back(station.get());
    }
  }
  for (auto& station : stations_) tell(*station);
  Conductor::start(beginners, {});
  Conductor::settle(group_);
  for (unsigned i = 0; i < plan_.instances; ++i) holds_[i] = stations_[i]->core.holds_addresses();
  world_.judge().handled(*this);
}

void Machine::tell(Station& station) {
  told_tracked_ = tracked_up_;
  const auto segment = segment_of(station.index);
  const auto& name = station.core.settings().interface;
  dispatch(station, LinkChanged{name, links_[segment], name + (links_[segment] ? " is up" : " is down")});
  dispatch(station, LinkChanged{tracked_interface, tracked_up_, tracked_up_ ? "up0 is up" : "up0 is down"});
  if (station.core.source()) return;
  const auto source = address_of(number_, segment, station.core.settings().family);
  dispatch(station, SourceChanged{source, "has an address"});
}

void Machine::stop_in_order() {
  if (!is_running() || is_paused()) return;
  std::vector<Member*> members;
  for (auto& station : stations_) members.push_back(station.get());
  stopping_ = true;
  Conductor::stop(members, "stopped");
  world_.judge().handled(*this);
  if (std::ranges::none_of(stations_, [](const auto& station) { return station->core.holds_addresses(); })) end();
}

void Machine::end() {
  world_.judge().died(*this);
  ++life_;
  stations_.clear();
  inbox_.clear();
  late_.clear();
  pause_ = nullptr;
  stopping_ = false;
}

void Machine::crash() { end(); }

void Machine::withdraw() {
  if (!is_dead()) return;
  for (unsigned i = 0; i < plan_.instances; ++i) {
    if (saved_[i] == Role::master && links_[segment_of(i)]) {
      Station speaker{i, settings_[i]};
      send(speaker, priority_leaving, segment_of(i));
    }
    saved_[i] = Role::init;
    holds_[i] = false;
  }
}

void Machine::pause(const Disturbance& trouble) {
  if (is_dead() || is_paused()) return;
  pause_ = &trouble;
  paused_at_ = clock();
}

void Machine::resume(const Disturbance& trouble, Duration stood, bool timers_first) {
  if (pause_ != &trouble) return;
  pause_ = nullptr;
  offset_ -= stood;
  world_.judge().stood_still(*this, clock() - paused_at_);
  if (std::exchange(links_changed_, false)) {
    for (auto& station : stations_) tell(*station);
    world_.judge().handled(*this);
  }
  if (!timers_first) read_inbox();
  const auto life = life_;
  for (const auto& alarm : std::exchange(late_, {})) {
    if (life == life_) ring(alarm);
  }
  if (!is_dead()) read_inbox();
}

void Machine::jump_clock(Duration forward) {
  offset_ += forward;
  if (!is_paused()) world_.judge().stood_still(*this, forward);
  for (auto& station : stations_) {
    for (const auto& timer : station->timers) {
      if (timer) world_.set_alarm({number_, life_, station->index, *timer}, timer->at - offset_);
    }
  }
}

void Machine::set_link(const std::string& interface, bool up) {
  if (interface == tracked_interface)
    tracked_up_ = up;
  else
    for (unsigned segment = 0; segment < plan_.all_segments(); ++segment)
      if (interface_of(segment) == interface) links_[segment] = up;
  links_changed_ = is_paused();
  if (is_paused() || is_dead()) return;
  for (auto& station : stations_) tell(*station);
  world_.judge().handled(*this);
}

void Machine::reload(const std::vector<config::VrrpInstance>& settings) {
  settings_ = settings;
  if (!is_running() || is_paused()) return;
  for (auto& station : stations_) {
    tell(*station);
    dispatch(*station, Reconfigured{settings_[station->index]});
  }
  Conductor::settle(group_);
  world_.judge().handled(*this);
}

// --- events ----------------------------------------------------------------------------------------------------------

void Machine::ring(const Alarm& alarm) {
  if (alarm.life != life_ || is_dead()) return;
  if (is_paused()) return late_.push_back(alarm);
  // A clock that stood or was set since: the timer is not due yet.
  if (clock() + alarm.timer.early < alarm.timer.at) return world_.set_alarm(alarm, alarm.timer.at - offset_);
  auto& station = *stations_[alarm.instance];
  auto& last = station.timers[static_cast<std::size_t>(alarm.timer.timer)];
  if (last && last->generation == alarm.timer.generation) last.reset();
  expire(station, alarm.timer.timer, alarm.timer.generation);
  world_.judge().handled(*this);
  if (stopping_ && std::ranges::none_of(stations_, [](const auto& each) { return each->core.holds_addresses(); })) {
    end();
  }
}

void Machine::arrive(std::shared_ptr<const Packet> packet) {
  if (is_dead() || !links_[packet->segment]) return;
  if (inbox_.size() < socket_buffer) inbox_.push_back(std::move(packet));
  if (!is_paused()) read_inbox();
}

void Machine::read_inbox() {
  for (const auto& packet : std::exchange(inbox_, {})) receive(*packet);
}

void Machine::receive(const Packet& packet) {
  const Datagram datagram{packet.source, packet.destination, vrrp_ttl, packet.payload};
  const auto vrid = peek_vrid(packet.payload);
  const auto found = std::ranges::find_if(
      stations_, [&](const auto& each) { return each->core.settings().virtual_router_id == vrid; });
  if (found == stations_.end()) return;
  auto& station = **found;
  const auto& settings = station.core.settings();
  const auto decoded =
      decode(datagram, {settings.version, settings.virtual_router_id, Duration{settings.advert_interval}, true});
  if (!decoded)
    return world_.judge().fail(*this, station.index, "refuses an advertisement: " + decoded.error().message);
  if (plan_.heartbeat && packet.segment == plan_.segments) {
    const HeartbeatHeard beat{interface_of(packet.segment), decoded->priority, decoded->interval, packet.source,
                              address_of(number_, packet.segment, settings.family)};
    world_.judge().heard(*this, station.index, beat);
    dispatch(station, beat);
    return world_.judge().handled(*this);
  }
  const Received received{decoded->priority, decoded->interval, packet.source};
  world_.judge().heard(*this, station.index, received);
  dispatch(station, received);
  world_.judge().handled(*this);
}

// --- actions ---------------------------------------------------------------------------------------------------------

void Machine::perform(Member& member, const Action& action) {
  auto& station = static_cast<Station&>(member);
  if (const auto* advertisement = std::get_if<SendAdvertisement>(&action)) send(station, advertisement->priority);
  if (const auto* timer = std::get_if<SetTimer>(&action)) {
    station.timers[static_cast<std::size_t>(timer->timer)] = *timer;
    world_.set_alarm({number_, life_, station.index, *timer}, timer->at - offset_);
  }
  if (const auto* change = std::get_if<Become>(&action); change != nullptr && change->to == Role::master) {
    holds_[station.index] = true;
  }
  if (std::holds_alternative<ReleaseAddresses>(action)) holds_[station.index] = false;
  world_.judge().acted(*this, station.index, action);
}

void Machine::settled(Member& member) {
  const auto& station = static_cast<Station&>(member);
  if (station.core.role() != Role::init || stopping_) saved_[station.index] = station.core.role();
}

void Machine::drain(Member&) { read_inbox(); }

void Machine::send(Station& station, std::uint8_t priority) {
  send(station, priority, segment_of(station.index));
  if (plan_.heartbeat) send(station, priority, plan_.segments);
}

void Machine::send(Station& station, std::uint8_t priority, unsigned segment) {
  const auto& settings = station.core.settings();
  if (!links_[segment]) return;
  auto packet = std::make_shared<Packet>();
  packet->segment = segment;
  packet->source = address_of(number_, segment, settings.family);
  packet->destination = multicast_group(settings.family);
  const std::array addresses{settings.virtual_addresses.front().prefix.address};
  encode({settings.version, settings.virtual_router_id, priority, Duration{settings.advert_interval}, addresses},
         packet->source, packet->destination, ChecksumForm::pseudo_header, packet->payload);
  world_.send(number_, std::move(packet));
}

}  // namespace ballast::vrrpd::sim
