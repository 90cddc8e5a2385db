#include "daemons/checkd/timer_slots.hpp"

#include <algorithm>

namespace ballast::checkd {

namespace {

constexpr std::uint64_t tick_length = std::chrono::nanoseconds{TimerSlots::tick}.count();

std::uint64_t ticks(TimerSlots::Time time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)) / tick_length;
}

}  // namespace

void Alarm::take_out() noexcept {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

TimerSlots::TimerSlots(Time now) : done_{ticks(now)} {
  for (auto& head : slots_) head.previous_ = head.next_ = &head;
}

TimerSlots::~TimerSlots() {
  clear();
  for (auto& head : slots_) head.previous_ = head.next_ = nullptr;
}

void TimerSlots::clear() {
  for (auto& head : slots_) {
    while (!is_empty(head)) {
      auto& alarm = *head.next_;
      alarm.take_out();
      alarm.drop();
    }
  }
}

void TimerSlots::append(Head& head, Alarm& alarm) noexcept {
  alarm.previous_ = head.previous_;
  alarm.next_ = &head;
  head.previous_->next_ = &alarm;
  head.previous_ = &alarm;
}

void TimerSlots::set(Alarm& alarm, Time due) {
  alarm.take_out();
  alarm.due_ = std::max(ticks(due + tick - Time{1}), done_ + 1);
  append(slots_[alarm.due_ % slot_count], alarm);
}

void TimerSlots::collect(Head& due, std::uint64_t slot) {
  auto& head = slots_[slot % slot_count];
  for (auto* alarm = head.next_; alarm != &head;) {
    auto* const following = alarm->next_;
    if (alarm->due_ <= done_) {
      alarm->take_out();
      append(due, *alarm);
    }
    alarm = following;
  }
}

void TimerSlots::run(Time now) {
  const auto from = done_ + 1;
  const auto to = ticks(now);
  if (to < from) return;
  done_ = to;
  Head due;
  due.previous_ = due.next_ = &due;
  for (auto slot = from; slot <= to && slot < from + slot_count; ++slot) collect(due, slot);
  while (!is_empty(due)) {
    auto& alarm = *due.next_;
    alarm.take_out();
    alarm.ring();
  }
  due.previous_ = due.next_ = nullptr;
}

std::optional<TimerSlots::Time> TimerSlots::next() const {
  for (auto slot = done_ + 1; slot <= done_ + slot_count; ++slot) {
    if (!is_empty(slots_[slot % slot_count])) return Time{static_cast<std::int64_t>(slot * tick_length)};
  }
  return std::nullopt;
}

}  // namespace ballast::checkd
