#include "daemons/vrrpd/protocol/instance.hpp"

#include <algorithm>
#include <utility>

namespace ballast::vrrpd {

using namespace std::chrono_literals;

namespace {

/// How long a router that stops waits for the new master: a backup of the least priority has taken over by then.
Duration leave_limit(const config::VrrpInstance& settings) {
  constexpr std::uint8_t least = 1;
  const auto takeover = skew_time(settings.version, least, Duration{settings.advert_interval});
  return std::min(takeover + 2 * handover_linger, longest_leave);
}

}  // namespace

Instance::Instance(config::VrrpInstance settings, bool grouped)
    : settings_{std::move(settings)}, grouped_{grouped}, priority_{settings_.priority} {}

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
  return board_.fault(settings_.tracks);
}

Duration Instance::down_interval() const {
  return master_down_interval(settings_.version, priority_, master_interval(), settings_.election.down_timer_adverts);
}

Duration Instance::master_interval() const { return learned_interval_.value_or(Duration{settings_.advert_interval}); }

Duration Instance::lapse_limit() const {
  const auto interval = Duration{settings_.advert_interval};
  const auto adverts = settings_.election.down_timer_adverts - 1;
  // With down_timer_adverts 1 every delay would count: half an interval is no pause.
  return std::max(master_down_interval(settings_.version, priority_highest_backup, interval, adverts), interval / 2);
}

Duration Instance::skew() const { return skew_time(settings_.version, priority_, master_interval()); }

// --- events
// -----------------------------------------------------------------------------------------------------------

void Instance::handle(const Start& event) {
  if (started_ || waiting_ || deadline(Timer::startup).armed) return;
  if (event.delay <= 0s) return begin(event.continued);
  reason_ = fmt::format("takes part in {}: vrrp_startup_delay", describe(event.delay));
  set(Timer::startup, now_ + event.delay);
}

void Instance::begin(const std::optional<std::string>& continued) {
  if (auto awaited = board_.awaited(settings_.tracks)) {
    waiting_ = Beginning{continued};
    reason_ = std::move(*awaited);
    return;
  }
  started_ = true;
  priority_ = effective_priority();
  if (const auto fault = own_fault()) return become(Role::fault, *fault);
  if (continued) return become_master(*continued);
  run("started");
}

void Instance::begin_waiting() {
  if (const auto waiting = std::exchange(waiting_, std::nullopt)) begin(waiting->continued);
}

void Instance::handle(const Stop& event) {
  cancel(Timer::startup);
  waiting_.reset();
  if (started_) {
    started_ = false;
    const bool linger = event.linger && role_ == Role::master && source_;
    if (role_ == Role::master) advertise(priority_leaving);
    become(Role::init, event.reason);
    if (linger) return set(Timer::release, now_ + leave_limit(settings_));
  }
  if (!event.linger) release();
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

void Instance::handle(const TrackChanged& event) {
  board_.set(event.tracker, event.found);
  if (waiting_) return begin_waiting();
  evaluate(event.found.reason);
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
  if (settings_.election.strict && priority_ == priority_owner) return;
  if (role_ == Role::backup) return heard_as_backup(event);
  if (role_ == Role::master) return heard_as_master(event);
  if (holds_) heard_as_leaver(event);
}

void Instance::handle(const Expired& event) {
  auto& timer = deadline(event.timer);
  if (!timer.armed || timer.generation != event.generation || now_ + early(event.timer) < timer.at) return;
  timer.armed = false;
  const TimePoint was_due = timer.at;
  const auto& knobs = settings_.announce;
  switch (event.timer) {
    case Timer::advertisement:
      return advertisement_due(was_due);
    case Timer::master_down:
      return master_silent(was_due);
    case Timer::announce_again:
      return announce(knobs.repeat);
    case Timer::announce_rival:
      return rival_pause_over();
    case Timer::announce_extra:
      actions_->emplace_back(AnnounceAddresses{1, !knobs.extra_all});
      return set(Timer::announce_extra, now_ + knobs.extra_interval);
    case Timer::release:
      return release();
    case Timer::startup:
      return begin(std::nullopt);
    case Timer::announce_refresh:
      announce(knobs.refresh_repeat);
      return set(Timer::announce_refresh, now_ + knobs.refresh);
  }
}

void Instance::handle(const Reconfigured& event) {
  const auto before = std::exchange(settings_, event.settings);
  const auto interval = Duration{settings_.advert_interval};
  if (role_ == Role::master) {
    const auto& advertisement = deadline(Timer::advertisement);
    if (before.advert_interval != settings_.advert_interval && !resuming_) {
      set(Timer::advertisement, std::clamp(advertisement.at, now_, now_ + interval));
    }
    if (before.announce.refresh != settings_.announce.refresh) {
      cancel(Timer::announce_refresh);
      if (settings_.announce.refresh > 0s) set(Timer::announce_refresh, now_ + settings_.announce.refresh);
    }
    if (before.announce.extra_interval != settings_.announce.extra_interval) {
      cancel(Timer::announce_extra);
      if (settings_.announce.extra_interval > 0s) set(Timer::announce_extra, now_ + settings_.announce.extra_interval);
    }
    if (before.virtual_addresses != settings_.virtual_addresses ||
        before.virtual_addresses_excluded != settings_.virtual_addresses_excluded) {
      announce(settings_.announce.repeat);
    }
  }
  if (!settings_.preempt || before.preempt_delay != settings_.preempt_delay) preempt_at_.reset();
  if (before.heartbeat_interfaces != settings_.heartbeat_interfaces) {
    heartbeats_.clear();
    heartbeat_links_.clear();
  }
  if (waiting_) return begin_waiting();
  evaluate("configuration changed");
  if (role_ == Role::backup && !left_ && !wants_master_) {
    set(Timer::master_down, std::max({now_, silent_since_ + down_interval(), listens_until_}));
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
      if (role_ == Role::master) hand_over(event.reason);
      return;
    case GroupCommand::master:
      if (role_ == Role::backup) become_master(event.reason);
      return;
  }
}

void Instance::handle(const Held& event) {
  if (held_ == event.reason) return;
  const bool begins = event.reason.has_value() && !held_;
  held_ = event.reason;
  if (!begins || role_ != Role::master) return evaluate(held_ ? *held_ : "no longer held back");
  priority_ = effective_priority();
  hand_over(*held_);
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
    set(Timer::master_down, std::max({now_, silent_since_ + down_interval(), listens_until_}));
  }
}

void Instance::run(const std::string& reason) {
  if (priority_ == priority_owner && !grouped_) return become_master(reason + "; owner of the addresses: priority 255");
  become_backup(reason);
  if (priority_ == priority_owner) set(Timer::master_down, now_);
}

void Instance::become(Role role, const std::string& reason) {
  for (std::size_t i = 0; i < timer_count; ++i) {
    if (static_cast<Timer>(i) != Timer::release) cancel(static_cast<Timer>(i));
  }
  wants_master_.reset();
  rival_.reset();
  left_.reset();
  preempt_at_.reset();
  resuming_ = false;
  preempting_ = false;
  deaf_ = false;
  heartbeat_links_.clear();
  if (role != Role::backup) master_.reset();
  learned_interval_.reset();
  listens_until_ = {};
  reason_ = reason;
  actions_->emplace_back(Become{std::exchange(role_, role), role, reason});
  if (role == Role::fault) release();
}

void Instance::release() {
  cancel(Timer::release);
  if (std::exchange(holds_, false)) actions_->emplace_back(ReleaseAddresses{});
}

void Instance::become_master(const std::string& reason) {
  const auto& knobs = settings_.announce;
  become(Role::master, reason);
  holds_ = true;
  master_since_ = now_;
  cancel(Timer::release);
  advertise(priority_);
  announce(knobs.repeat);
  set(Timer::advertisement, now_ + Duration{settings_.advert_interval});
  if (knobs.delay > 0s) set(Timer::announce_again, now_ + knobs.delay);
  if (knobs.refresh > 0s) set(Timer::announce_refresh, now_ + knobs.refresh);
  if (knobs.extra_interval > 0s) set(Timer::announce_extra, now_ + knobs.extra_interval);
}

void Instance::become_backup(const std::string& reason) {
  become(Role::backup, reason);
  if (holds_) set(Timer::release, now_ + handover_linger);
  silent_since_ = now_;
  set(Timer::master_down, now_ + down_interval());
}

// Nobody has been heard who takes over: the addresses stay until somebody is, or until this one is MASTER again.
void Instance::hand_over(const std::string& reason) {
  advertise(priority_leaving);
  become_backup(reason);
  set(Timer::release, now_ + down_interval() + handover_linger);
}

void Instance::advertise(std::uint8_t priority) {
  advertised_ = now_;
  actions_->emplace_back(SendAdvertisement{priority});
}

void Instance::announce(unsigned repeat) {
  announced_ = now_;
  actions_->emplace_back(AnnounceAddresses{repeat});
}

void Instance::set(Timer timer, TimePoint at) {
  auto& changed = deadline(timer);
  changed = {at, changed.generation + 1, true};
  actions_->emplace_back(SetTimer{timer, at, changed.generation, early(timer)});
}

Duration Instance::early(Timer timer) const {
  if (timer != Timer::advertisement || resuming_) return {};  // after a pause it listens as long as it must
  return Duration{settings_.advert_interval} / early_advertisement_part;
}

void Instance::cancel(Timer timer) { deadline(timer).armed = false; }

void Instance::note(bool warning, std::string text) { actions_->emplace_back(Note{warning, std::move(text)}); }

// --- the priority in effect
// -----------------------------------------------------------------------------------------------

std::uint8_t Instance::effective_priority() const {
  if (held_) return 1;
  if (settings_.priority == priority_owner) return priority_owner;
  int sum = settings_.priority;
  for (const auto& track : settings_.track_interfaces) {
    const bool counts = track.weight > 0 ? link_up(track.interface) : !link_up(track.interface);
    if (counts) sum += track.reverse ? -track.weight : track.weight;
  }
  sum += board_.sum(settings_.tracks);
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
