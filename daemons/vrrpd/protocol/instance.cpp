#include "daemons/vrrpd/protocol/instance.hpp"

#include <algorithm>
#include <utility>

namespace ballast::vrrpd {

using namespace std::chrono_literals;

namespace {

/// Of announcements about rivals within one garp_lower_prio_delay, whatever they send.
constexpr unsigned most_bursts = 8;

constexpr std::size_t index_of(Timer timer) { return static_cast<std::size_t>(timer); }

Duration nanoseconds(config::Duration duration) { return std::chrono::duration_cast<Duration>(duration); }

/// How long a router that stops waits for the new master: a backup of the least priority has taken over by then.
Duration leave_limit(const config::VrrpInstance& settings) {
  constexpr std::uint8_t least = 1;
  const auto takeover = skew_time(settings.version, least, nanoseconds(settings.advert_interval));
  return std::min(takeover + 5 * handover_linger, longest_leave);
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
  if (!link_up(settings_.interface)) return link_reason(settings_.interface);
  if (!source_) return source_reason_.empty() ? "no address to send from" : source_reason_;
  for (const auto& track : settings_.track_interfaces) {
    if (track.weight != 0 || link_up(track.interface) != track.reverse) continue;
    return "tracked " + link_reason(track.interface);
  }
  return std::nullopt;
}

Duration Instance::down_interval() const {
  return master_down_interval(settings_.version, priority_, master_interval(), settings_.election.down_timer_adverts);
}

Duration Instance::master_interval() const {
  return learned_interval_.value_or(nanoseconds(settings_.advert_interval));
}

Duration Instance::lapse_limit() const {
  const auto interval = nanoseconds(settings_.advert_interval);
  const auto adverts = settings_.election.down_timer_adverts - 1;
  // With down_timer_adverts 1 every delay would count: half an interval is no pause.
  return std::max(master_down_interval(settings_.version, priority_highest_backup, interval, adverts), interval / 2);
}

Duration Instance::skew() const { return skew_time(settings_.version, priority_, master_interval()); }

// --- events
// -----------------------------------------------------------------------------------------------------------

void Instance::handle(const Start& event) {
  if (started_ || timers_[index_of(Timer::startup)].armed) return;
  if (event.delay <= 0s) return begin(event.continued);
  reason_ = fmt::format("takes part in {}: vrrp_startup_delay", describe(event.delay));
  set(Timer::startup, now_ + event.delay);
}

void Instance::begin(const std::optional<std::string>& continued) {
  started_ = true;
  priority_ = effective_priority();
  if (const auto fault = own_fault()) return become(Role::fault, *fault);
  if (continued) return become_master(*continued);
  run("started");
}

void Instance::handle(const Stop& event) {
  cancel(Timer::startup);
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
  auto& timer = timers_[index_of(event.timer)];
  if (!timer.armed || timer.generation != event.generation || now_ < timer.at) return;
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
  const auto interval = nanoseconds(settings_.advert_interval);
  if (role_ == Role::master) {
    const auto& advertisement = timers_[index_of(Timer::advertisement)];
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
  if (holds_) heard_as_leaver(event);
  if (event.priority == priority_leaving) {
    if (master_ && master_->address != event.source) return;  // it yielded to the master that we know
    left_ = event.source;
    // Said twice, or by two, it puts nothing off.
    return set(Timer::master_down, std::clamp(timers_[index_of(Timer::master_down)].at, now_, now_ + skew()));
  }
  master_ = Heard{event.source, event.priority};
  preempting_ = preempts(event);
  if (preempting_) return;
  if (settings_.version != 2) learned_interval_ = event.interval;
  left_.reset();
  wants_master_.reset();
  silent_since_ = now_;
  set(Timer::master_down, now_ + down_interval());
}

void Instance::heard_as_master(const Received& event) {
  notice_pause();
  if (event.priority == priority_leaving) return heard_leaving_rival();
  const bool higher = event.priority > priority_;
  const bool wins = higher || (event.priority == priority_ && event.source > *source_);
  if (!wins && !yields_after_pause()) return heard_rival(event);
  yield(higher ? fmt::format("{} advertises priority {}, ours is {}", event.source, event.priority, priority_)
        : wins ? fmt::format("{} advertises priority {} as we do, and its address is higher than ours, {}",
                             event.source, event.priority, *source_)
               : fmt::format("{} took over while this machine stood still, and is not preempted", event.source));
  heard_as_backup(event);
}

/// The role lapsed during a pause: another's takeover is as lawful as any, and preemption is not for now.
bool Instance::yields_after_pause() const {
  return resuming_ && priority_ != priority_owner && (!settings_.preempt || settings_.preempt_delay > 0s);
}

// Who wins may have been MASTER for long without hearing us, and clients may have learned our address since it
// announced its own. Priority 0 tells it so, and can make nobody else yield.
void Instance::yield(const std::string& reason) {
  const auto& election = settings_.election;
  if (election.higher_prio_send_advert)
    advertise(priority_);
  else if (!election.strict)
    advertise(priority_leaving);
  become_backup(reason);
}

void Instance::answer() {
  advertise(priority_);
  set(Timer::advertisement, now_ + nanoseconds(settings_.advert_interval));
  resuming_ = false;
}

void Instance::heard_rival(const Received& event) {
  if (!settings_.election.lower_prio_no_advert) answer();
  actions_->emplace_back(RivalHeard{event.source, event.priority});
  const bool goes_on = rival_ && rival_->who.address == event.source;
  if (!rival_) rival_ = Rival{{}, now_};
  rival_->who = {event.source, event.priority};
  if (goes_on)
    rival_->again = true;
  else
    announce_rival();
  // What whom we took over from had sent by then is no split brain.
  const auto fresh = std::max(nanoseconds(settings_.advert_interval), event.interval);
  if (rival_->told || now_ - master_since_ < fresh) return;
  rival_->told = true;
  note(true, fmt::format("{} is MASTER, too, with priority {} (ours is {}): answered, and the addresses announced anew",
                         event.source, event.priority, priority_));
}

void Instance::heard_leaving_rival() {
  answer();
  end_of_rival();
  announce_rival();
}

// A burst about a rival, now or as soon as the last one and the many before it allow.
void Instance::announce_rival() {
  if (rival_) rival_->again = true;
  const auto& next = timers_[index_of(Timer::announce_rival)];
  if (next.armed && next.at <= now_ + between_bursts) return;
  if (now_ - bursts_since_ >= rival_pause()) {
    bursts_since_ = now_;
    bursts_ = 0;
  }
  const auto earliest = ++bursts_ > most_bursts ? bursts_since_ + rival_pause() : announced_ + between_bursts;
  if (now_ < earliest) return set(Timer::announce_rival, earliest);
  announce(settings_.announce.lower_prio_repeat);
  if (!rival_) return;
  rival_->again = false;
  set(Timer::announce_rival, now_ + rival_pause());
}

Duration Instance::rival_pause() const {
  // Without a delay the burst would follow each of the rival's advertisements: once a second is enough for any cache.
  const auto& delay = settings_.announce.lower_prio_delay;
  return nanoseconds(delay > 0s ? delay : config::Duration{1s});
}

void Instance::rival_pause_over() {
  announce(settings_.announce.lower_prio_repeat);
  if (!rival_) return;
  if (std::exchange(rival_->again, false)) return set(Timer::announce_rival, now_ + rival_pause());
  end_of_rival();
}

void Instance::end_of_rival() {
  if (rival_ && rival_->told) {
    note(false, fmt::format("{} (priority {}) is MASTER no longer, {} after it was first heard: the addresses are "
                            "announced once more",
                            rival_->who.address, rival_->who.priority, describe(now_ - rival_->since)));
  }
  rival_.reset();
}

void Instance::heard_as_leaver(const Received& event) {
  if (event.priority == priority_leaving) return;
  // Nobody can have taken over yet: this was on its way when we left.
  const auto interval = nanoseconds(settings_.advert_interval);
  if (now_ - advertised_ < skew_time(settings_.version, priority_highest_backup, interval)) return;
  set(Timer::release, std::clamp(timers_[index_of(Timer::release)].at, now_, now_ + handover_linger));
}

/// Whatever happens first after a pause: a MASTER that is late by more than its limit listens before it speaks.
void Instance::notice_pause() {
  const auto& advertisement = timers_[index_of(Timer::advertisement)];
  const auto late = now_ - advertisement.at;
  if (resuming_ || late <= lapse_limit()) return;
  resuming_ = true;
  note(true, fmt::format("stood still for {}: listens for {} before it speaks", describe(late), describe(skew())));
  set(Timer::advertisement, now_ + skew());
}

void Instance::advertisement_due(TimePoint was_due) {
  notice_pause();
  if (timers_[index_of(Timer::advertisement)].armed) return;
  advertise(priority_);
  if (std::exchange(resuming_, false)) announce(settings_.announce.repeat);
  const auto interval = nanoseconds(settings_.advert_interval);
  const TimePoint next = was_due + interval;
  set(Timer::advertisement, next > now_ ? next : now_ + interval);
}

void Instance::master_silent(TimePoint was_due) {
  if (now_ - was_due > down_interval()) {
    const auto listen = master_interval() + skew();
    note(true, fmt::format("stood still for {}: listens for {} before it takes over", describe(now_ - was_due),
                           describe(listen)));
    return set(Timer::master_down, now_ + listen);
  }
  if (!grouped_) return become_master(silence());
  wants_master_ = silence();
  set(Timer::master_down, now_ + master_interval() + skew());
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
  for (std::size_t i = 0; i < timer_count; ++i) {
    if (static_cast<Timer>(i) != Timer::release) cancel(static_cast<Timer>(i));
  }
  wants_master_.reset();
  rival_.reset();
  left_.reset();
  preempt_at_.reset();
  resuming_ = false;
  preempting_ = false;
  if (role != Role::backup) master_.reset();
  learned_interval_.reset();
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
  set(Timer::advertisement, now_ + nanoseconds(settings_.advert_interval));
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
  auto& deadline = timers_[index_of(timer)];
  deadline = {at, deadline.generation + 1, true};
  actions_->emplace_back(SetTimer{timer, at, deadline.generation});
}

void Instance::cancel(Timer timer) { timers_[index_of(timer)].armed = false; }

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
