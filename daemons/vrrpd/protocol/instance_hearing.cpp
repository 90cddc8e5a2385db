// Instance: advertisements and their absence (RFC 9568 sections 6.4.2 and 6.4.3), and other masters.
#include <algorithm>
#include <utility>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

using namespace std::chrono_literals;

namespace {

/// Of announcements about rivals within one garp_lower_prio_delay, whatever they send.
constexpr unsigned most_bursts = 8;

}  // namespace

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
  hears_again();
  if (event.priority == priority_leaving) {
    if (master_ && master_->address != event.source) return;  // it yielded to the master that we know
    return master_left(event.source);
  }
  master_ = Heard{event.source, event.priority};
  preempting_ = preempts(event);
  if (preempting_) return;
  if (settings_.version != 2) learned_interval_ = event.interval;
  left_.reset();
  wants_master_.reset();
  silent_since_ = now_;
  set(Timer::master_down, now_ + down_interval());
  look_at_heartbeats();
}

void Instance::master_left(const net::IpAddress& source) {
  left_ = source;
  // Said twice, or by two, it puts nothing off; and what is overdue is not due at once.
  const auto due = deadline(Timer::master_down).at;
  set(Timer::master_down, due > now_ ? std::min(due, now_ + skew()) : now_ + skew());
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
  set(Timer::advertisement, now_ + Duration{settings_.advert_interval});
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
  const auto fresh = std::max(Duration{settings_.advert_interval}, event.interval);
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
  const auto& next = deadline(Timer::announce_rival);
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
  return Duration{delay > 0s ? delay : config::Duration{1s}};
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
  const auto interval = Duration{settings_.advert_interval};
  if (now_ - advertised_ < skew_time(settings_.version, priority_highest_backup, interval)) return;
  set(Timer::release, std::clamp(deadline(Timer::release).at, now_, now_ + handover_linger));
}

/// Whatever happens first after a pause: a MASTER that is late by more than its limit listens before it speaks.
void Instance::notice_pause() {
  const auto& advertisement = deadline(Timer::advertisement);
  const auto late = now_ - advertisement.at;
  if (late <= lapse_limit()) return;
  resuming_ = true;
  note(true, fmt::format("stood still for {}: listens for {} before it speaks", describe(late), describe(skew())));
  set(Timer::advertisement, now_ + skew());
}

void Instance::advertisement_due(TimePoint was_due) {
  notice_pause();
  if (deadline(Timer::advertisement).armed) return;
  advertise(priority_);
  if (std::exchange(resuming_, false)) announce(settings_.announce.repeat);
  const auto interval = Duration{settings_.advert_interval};
  const TimePoint next = std::min(was_due, now_) + interval;
  set(Timer::advertisement, next > now_ ? next : now_ + interval);
}

void Instance::master_silent(TimePoint was_due) {
  if (now_ - was_due > down_interval()) {
    const auto listen = master_interval() + skew();
    note(true, fmt::format("stood still for {}: listens for {} before it takes over", describe(now_ - was_due),
                           describe(listen)));
    wants_master_.reset();
    listens_until_ = now_ + listen;
    return set(Timer::master_down, listens_until_);
  }
  const Pulse* pulse = left_ || preempting_ ? nullptr : heartbeats_.alive(now_);
  if (pulse != nullptr) return bear_with(*pulse);
  if (!grouped_) return become_master(silence());
  wants_master_ = silence();
  set(Timer::master_down, now_ + master_interval() + skew());
}

std::string Instance::silence() const {
  if (left_) return fmt::format("{} left: priority 0", *left_);
  if (deaf_) {
    return fmt::format("no advertisement heard for {}, and none on a heartbeat link any more",
                       describe(now_ - silent_since_));
  }
  if (!master_) return fmt::format("no advertisement heard for {}", describe(now_ - silent_since_));
  if (preempting_) {
    return fmt::format("{} advertises priority {}, ours is {}", master_->address, master_->priority, priority_);
  }
  return fmt::format("no advertisement from {} for {}", master_->address, describe(now_ - silent_since_));
}

}  // namespace ballast::vrrpd
