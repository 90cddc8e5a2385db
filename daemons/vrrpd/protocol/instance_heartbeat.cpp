// Instance: what is heard on heartbeat links. A master that is alive there while the instance's own link is silent is
// behind a broken network, not dead: nobody takes over from it, and of two masters the lower one yields.
#include <utility>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

void Instance::handle(const HeartbeatHeard& event) {
  auto& link = heartbeat_links_.try_emplace(event.interface).first->second;
  link.heard = now_;
  if (std::exchange(link.told, false))
    note(false, fmt::format("advertisements are heard on {} again", event.interface));
  if (event.priority == priority_leaving) return heartbeat_left(event);
  const auto interval = settings_.version == 2 ? Duration{settings_.advert_interval} : event.interval;
  const auto patience =
      master_down_interval(settings_.version, priority_, interval, settings_.election.down_timer_adverts);
  auto* pulse = heartbeats_.heard({event.interface, event.source, event.priority, {}, {}, patience}, now_);
  if (pulse == nullptr) return;
  if (role_ == Role::master) return heartbeat_as_master(*pulse, event.own);
  if (wants_master_ && !left_ && !preempting_) return bear_with(*pulse);  // its group had not agreed yet
  if (holds_) heard_as_leaver({event.priority, event.interval, event.source});
}

// Its address on this link says nothing of who it is on the other one: its priority must be that of the master known
// there, unless that one is heard here alone.
void Instance::heartbeat_left(const HeartbeatHeard& event) {
  const auto priority = heartbeats_.left(event.interface, event.source, now_);
  if (role_ != Role::backup || priority == 0 || left_ || heartbeats_.alive(now_) != nullptr) return;
  if (!deaf_ && (!master_ || master_->priority != priority)) return;
  master_left(event.source);
}

void Instance::heartbeat_as_master(Pulse& pulse, const net::IpAddress& own) {
  notice_pause();
  const auto& [interface, source, priority, first, last, patience, told] = pulse;
  const auto& link = settings_.interface;
  if (priority > priority_) {
    return yield(fmt::format("{} advertises priority {} on {}, ours is {}", source, priority, interface, priority_));
  }
  if (yields_after_pause()) {
    return yield(fmt::format("{} took over while this machine stood still, and is not preempted: heard on {}", source,
                             interface));
  }
  // Where the link is whole, its addresses have decided before.
  if (priority == priority_ && source > own && now_ - first >= patience) {
    return yield(
        fmt::format("{} advertises priority {} as we do on {}, is not heard on {}, and its address is higher "
                    "than ours, {}",
                    source, priority, interface, link, own));
  }
  const auto fresh = Duration{settings_.advert_interval};
  if (told || rival_ || now_ - first < fresh || now_ - master_since_ < fresh) return;
  pulse.told = true;
  note(true, fmt::format("{} is MASTER, too, with priority {} (ours is {}): heard on {}, not on {}: something between "
                         "the two is broken there",
                         source, priority, priority_, interface, link));
}

void Instance::bear_with(const Pulse& pulse) {
  wants_master_.reset();
  if (!std::exchange(deaf_, true)) {
    const auto who = master_ ? fmt::format("{} is silent", master_->address) : std::string{"nobody is heard"};
    reason_ = fmt::format("{} on {}, but {} advertises on {}: the network of {} is at fault, not the router", who,
                          settings_.interface, pulse.source, pulse.interface, settings_.interface);
    note(true, reason_);
  }
  set(Timer::master_down, pulse.last + pulse.patience);
}

void Instance::hears_again() {
  if (!std::exchange(deaf_, false)) return;
  reason_ = fmt::format("advertisements are heard on {} again", settings_.interface);
  note(false, reason_);
}

// A heartbeat link that nobody speaks on is found out while it is not needed.
void Instance::look_at_heartbeats() {
  for (const auto& interface : settings_.heartbeat_interfaces) {
    auto& link = heartbeat_links_.try_emplace(interface, HeartbeatLink{now_}).first->second;
    if (link.told || now_ - link.heard <= 3 * down_interval()) continue;
    link.told = true;
    note(true, fmt::format("no advertisement on {} for {}, while {} is heard on {}: is the link whole, and has the "
                           "other router this heartbeat_interface, too?",
                           interface, describe(now_ - link.heard), master_->address, settings_.interface));
  }
}

}  // namespace ballast::vrrpd
