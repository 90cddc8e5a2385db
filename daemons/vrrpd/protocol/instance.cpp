#include "daemons/vrrpd/protocol/instance.hpp"

#include <algorithm>
#include <utility>

namespace ballast::vrrpd {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t index_of(Timer timer) { return static_cast<std::size_t>(timer); }

Duration nanoseconds(config::Duration duration) { return std::chrono::duration_cast<Duration>(duration); }

}  // namespace

Instance::Instance(config::VrrpInstance settings, bool grouped)
    : settings_{std::move(settings)},
      grouped_{grouped},
      priority_{settings_.priority},
      master_interval_{nanoseconds(settings_.advert_interval)} {}

Actions Instance::on(const Event& event, TimePoint now) {
  Actions actions;
  actions_ = &actions;
  now_ = now;
  std::visit([this](const auto& what) { handle(what); }, event);
  actions_ = nullptr;
  return actions;
}

std::optional<net::IpAddress> Instance::master() const {
  if (role_ == Role::master) return source_;
  if (role_ == Role::backup && master_) return master_->address;
  return std::nullopt;
}

std::optional<std::string> Instance::own_fault() const {
  if (settings_.kernel.track_primary && !link_up(settings_.interface)) return link_reason(settings_.interface);
  if (need_fault_) return need_fault_;
  if (!source_) return source_reason_.empty() ? "no address to send from" : source_reason_;
  for (const auto& track : settings_.track_interfaces) {
    if (track.weight != 0 || link_up(track.interface) != track.reverse) continue;
    return "tracked " + link_reason(track.interface);
  }
  return std::nullopt;
}

Duration Instance::down_interval() const {
  return master_down_interval(settings_.version, priority_, master_interval_);
}

Duration Instance::skew() const { return skew_time(settings_.version, priority_, master_interval_); }

// --- events
// -----------------------------------------------------------------------------------------------------------

void Instance::handle(const Start& event) {
  if (started_) return;
  started_ = true;
  priority_ = effective_priority();
  if (const auto fault = own_fault()) return become(Role::fault, *fault);
  if (event.continued) return become_master(*event.continued);
  run("started");
}

void Instance::handle(const Stop& event) {
  if (!started_) return;
  started_ = false;
  if (role_ == Role::master) advertise(priority_leaving);
  become(Role::init, event.reason);
}

void Instance::handle(const LinkChanged& event) {
  links_[event.interface] = {event.up, event.reason};
  evaluate(event.reason);
}

void Instance::handle(const SourceChanged& event) {
  source_ = event.address;
  source_reason_ = event.reason;
  own_address_heard_ = false;
  evaluate(event.reason);
}

void Instance::handle(const NeedChanged& event) {
  need_fault_ = event.fault;
  evaluate(need_fault_.value_or("nothing it needs is missing any more"));
}

void Instance::handle(const Received& event) {
  if (source_ && event.source == *source_) {
    if (!std::exchange(own_address_heard_, true)) {
      note(true, fmt::format("another router advertises VRID {} from our own address {}: ignored; give each router an "
                             "address of its own",
                             settings_.virtual_router_id, event.source));
    }
    return;
  }
  if (role_ == Role::backup) heard_as_backup(event);
  if (role_ == Role::master) heard_as_master(event);
}

void Instance::handle(const Expired& event) {
  auto& timer = timers_[index_of(event.timer)];
  if (!timer.armed || timer.generation != event.generation || now_ < timer.at) return;
  timer.armed = false;
  const TimePoint was_due = timer.at;
  const auto& announce = settings_.announce;
  switch (event.timer) {
    case Timer::advertisement:
      return advertisement_due(was_due);
    case Timer::master_down:
      return master_silent(was_due);
    case Timer::announce_again:
      return actions_->emplace_back(AnnounceAddresses{announce.repeat}), void();
    case Timer::announce_rival:
      return actions_->emplace_back(AnnounceAddresses{announce.lower_prio_repeat}), void();
    case Timer::announce_refresh:
      actions_->emplace_back(AnnounceAddresses{announce.refresh_repeat});
      return set(Timer::announce_refresh, now_ + announce.refresh);
  }
}

void Instance::handle(const Reconfigured& event) {
  const auto before = std::exchange(settings_, event.settings);
  const auto interval = nanoseconds(settings_.advert_interval);
  if (role_ != Role::backup || !master_ || settings_.version == 2) master_interval_ = interval;
  if (role_ == Role::master) {
    const auto& advertisement = timers_[index_of(Timer::advertisement)];
    if (before.advert_interval != settings_.advert_interval && !resuming_) {
      set(Timer::advertisement, std::min(advertisement.at, now_ + interval));
    }
    if (before.announce.refresh != settings_.announce.refresh) {
      cancel(Timer::announce_refresh);
      if (settings_.announce.refresh > 0s) set(Timer::announce_refresh, now_ + settings_.announce.refresh);
    }
    if (before.virtual_addresses != settings_.virtual_addresses ||
        before.virtual_addresses_excluded != settings_.virtual_addresses_excluded) {
      actions_->emplace_back(AnnounceAddresses{settings_.announce.repeat});
    }
  }
  if (!settings_.preempt || before.preempt_delay != settings_.preempt_delay) preempt_at_.reset();
  evaluate("configuration changed");
  if (role_ == Role::backup && !left_ && !wants_master_) {
    set(Timer::master_down, std::max(now_, silent_since_ + down_interval()));
  }
}

void Instance::handle(const GroupOrder& event) {
  switch (event.command) {
    case GroupCommand::fault:
      group_fault_ = event.reason;
      return evaluate(event.reason);
    case GroupCommand::release:
      group_fault_.reset();
      return evaluate(event.reason);
    case GroupCommand::backup:
      if (role_ == Role::master) become_backup(event.reason);
      return;
    case GroupCommand::master:
      if (role_ == Role::backup) become_master(event.reason);
      return;
  }
}

// --- advertisements and their absence (RFC 9568 sections 6.4.2 and 6.4.3)
// ---------------------------------------------

bool Instance::preempts(const Received& event) {
  if (!settings_.preempt || event.priority >= priority_) {
    preempt_at_.reset();
    return false;
  }
  if (settings_.preempt_delay == 0s) return true;
  if (!preempt_at_) preempt_at_ = now_ + settings_.preempt_delay;
  return now_ >= *preempt_at_;
}

void Instance::heard_as_backup(const Received& event) {
  if (event.priority == priority_leaving) {
    left_ = event.source;
    set(Timer::master_down, now_ + skew());
    return;
  }
  master_ = Heard{event.source, event.priority};
  preempting_ = preempts(event);
  if (preempting_) return;
  if (settings_.version != 2) master_interval_ = event.interval;
  left_.reset();
  wants_master_.reset();
  silent_since_ = now_;
  set(Timer::master_down, now_ + down_interval());
}

void Instance::heard_as_master(const Received& event) {
  if (event.priority == priority_leaving) {
    advertise(priority_);
    return set(Timer::advertisement, now_ + nanoseconds(settings_.advert_interval));
  }
  const bool higher = event.priority > priority_;
  if (!higher && !(event.priority == priority_ && event.source > *source_)) return heard_rival(event);
  auto reason = higher ? fmt::format("{} advertises priority {}, ours is {}", event.source, event.priority, priority_)
                       : fmt::format("{} advertises priority {} as we do, and its address is higher than ours, {}",
                                     event.source, event.priority, *source_);
  become_backup(reason);
  heard_as_backup(event);
}

void Instance::heard_rival(const Received& event) {
  advertise(priority_);
  set(Timer::advertisement, now_ + nanoseconds(settings_.advert_interval));
  resuming_ = false;
  const auto& announce = settings_.announce;
  if (timers_[index_of(Timer::announce_rival)].armed) return;
  actions_->emplace_back(AnnounceAddresses{announce.lower_prio_repeat});
  // Without a delay the burst would follow each of the rival's advertisements: once a second is enough for any cache.
  const auto delay = announce.lower_prio_delay > 0s ? announce.lower_prio_delay : config::Duration{1s};
  set(Timer::announce_rival, now_ + delay);
  note(true, fmt::format("{} is MASTER, too, with priority {} (ours is {}): answered, and the addresses announced anew",
                         event.source, event.priority, priority_));
}

void Instance::advertisement_due(TimePoint was_due) {
  const auto interval = nanoseconds(settings_.advert_interval);
  if (!resuming_ && now_ - was_due > down_interval()) {
    resuming_ = true;
    note(true, fmt::format("stood still for {}: listens for {} before it speaks", describe(now_ - was_due),
                           describe(skew())));
    return set(Timer::advertisement, now_ + skew());
  }
  advertise(priority_);
  if (std::exchange(resuming_, false)) actions_->emplace_back(AnnounceAddresses{settings_.announce.repeat});
  const TimePoint next = was_due + interval;
  set(Timer::advertisement, next > now_ ? next : now_ + interval);
}

void Instance::master_silent(TimePoint was_due) {
  if (now_ - was_due > down_interval()) {
    const auto listen = master_interval_ + skew();
    note(true, fmt::format("stood still for {}: listens for {} before it takes over", describe(now_ - was_due),
                           describe(listen)));
    return set(Timer::master_down, now_ + listen);
  }
  if (!grouped_) return become_master(silence());
  wants_master_ = silence();
  set(Timer::master_down, now_ + master_interval_ + skew());
}

std::string Instance::silence() const {
  if (left_) return fmt::format("{} left: priority 0", *left_);
  if (!master_) return fmt::format("no advertisement heard for {}", describe(now_ - silent_since_));
  if (preempting_) {
    return fmt::format("{} advertises priority {}, ours is {}", master_->address, master_->priority, priority_);
  }
  return fmt::format("no advertisement from {} for {}", master_->address, describe(now_ - silent_since_));
}

// --- roles
// ------------------------------------------------------------------------------------------------------------

void Instance::evaluate(const std::string& trigger) {
  const auto before = std::exchange(priority_, effective_priority());
  if (!started_) return;
  auto fault = own_fault();
  if (!fault) fault = group_fault_;
  if (fault) {
    if (role_ == Role::fault) {
      reason_ = *fault;
      return;
    }
    if (role_ == Role::master && source_) advertise(priority_leaving);
    return become(Role::fault, *fault);
  }
  if (role_ == Role::fault) return run(trigger);
  if (before == priority_) return;
  note(false, fmt::format("priority {} -> {} ({})", before, priority_, trigger));
  if (role_ == Role::backup && !left_ && !wants_master_) {
    set(Timer::master_down, std::max(now_, silent_since_ + down_interval()));
  }
}

void Instance::run(const std::string& reason) {
  if (priority_ == priority_owner && !grouped_) return become_master(reason + "; owner of the addresses: priority 255");
  become_backup(reason);
  if (priority_ == priority_owner) set(Timer::master_down, now_);
}

void Instance::become(Role role, const std::string& reason) {
  for (std::size_t i = 0; i < timer_count; ++i) cancel(static_cast<Timer>(i));
  wants_master_.reset();
  left_.reset();
  preempt_at_.reset();
  resuming_ = false;
  preempting_ = false;
  if (role != Role::backup) master_.reset();
  master_interval_ = nanoseconds(settings_.advert_interval);
  reason_ = reason;
  actions_->emplace_back(Become{std::exchange(role_, role), role, reason});
}

void Instance::become_master(const std::string& reason) {
  const auto& announce = settings_.announce;
  become(Role::master, reason);
  advertise(priority_);
  actions_->emplace_back(AnnounceAddresses{announce.repeat});
  set(Timer::advertisement, now_ + nanoseconds(settings_.advert_interval));
  if (announce.delay > 0s) set(Timer::announce_again, now_ + announce.delay);
  if (announce.refresh > 0s) set(Timer::announce_refresh, now_ + announce.refresh);
}

void Instance::become_backup(const std::string& reason) {
  become(Role::backup, reason);
  silent_since_ = now_;
  set(Timer::master_down, now_ + down_interval());
}

void Instance::advertise(std::uint8_t priority) { actions_->emplace_back(SendAdvertisement{priority}); }

void Instance::set(Timer timer, TimePoint at) {
  auto& deadline = timers_[index_of(timer)];
  deadline = {at, deadline.generation + 1, true};
  actions_->emplace_back(SetTimer{timer, at, deadline.generation});
}

void Instance::cancel(Timer timer) { timers_[index_of(timer)].armed = false; }

void Instance::note(bool warning, std::string text) { actions_->emplace_back(Note{warning, std::move(text)}); }

// --- tracked interfaces
// -----------------------------------------------------------------------------------------------

std::uint8_t Instance::effective_priority() const {
  if (settings_.priority == priority_owner) return priority_owner;
  int sum = settings_.priority;
  for (const auto& track : settings_.track_interfaces) {
    const bool counts = track.weight > 0 ? link_up(track.interface) : !link_up(track.interface);
    if (counts) sum += track.reverse ? -track.weight : track.weight;
  }
  return static_cast<std::uint8_t>(std::clamp(sum, 1, priority_owner - 1));
}

bool Instance::link_up(const std::string& interface) const {
  const auto found = links_.find(interface);
  return found != links_.end() && found->second.up;
}

std::string Instance::link_reason(const std::string& interface) const {
  const auto found = links_.find(interface);
  return found != links_.end() ? found->second.reason : interface + " does not exist";
}

}  // namespace ballast::vrrpd
