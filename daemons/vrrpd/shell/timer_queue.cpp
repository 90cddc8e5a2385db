#include "daemons/vrrpd/shell/timer_queue.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <system_error>

namespace ballast::vrrpd {
namespace {

int open_timer() {
  const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) throw std::system_error{errno, std::generic_category(), "cannot create a timer"};
  return fd;
}

}  // namespace

TimerQueue::TimerQueue(boost::asio::io_context& io, Handler handler)
    : descriptor_{io, open_timer()}, handler_{std::move(handler)} {
  wait();
}

void TimerQueue::set(std::uint32_t owner, const SetTimer& timer) {
  const auto key = key_of(owner, timer.timer);
  auto& slot = slots_[key];
  slot.at = timer.at;
  slot.generation = timer.generation;
  slot.early = timer.early;
  slot.armed = true;
  if (!slot.queued || slot.at < slot.queued_at) push(slot, key);
  if (!expiring_) arm();
}

void TimerQueue::remove(std::uint32_t owner) {
  for (std::size_t i = 0; i < timer_count; ++i) slots_.erase(key_of(owner, static_cast<Timer>(i)));
}

void TimerQueue::push(Slot& slot, std::uint64_t key) {
  slot.queued = true;
  slot.queued_at = slot.at;
  heap_.push({slot.at, key});
}

void TimerQueue::arm() {
  const TimePoint next = heap_.empty() ? TimePoint::max() : heap_.top().at;
  if (next == armed_for_ || next == TimePoint::max()) return;
  armed_for_ = next;
  // Zero would disarm; a time in the past expires at once.
  const auto since_boot = std::max<std::int64_t>(next.time_since_epoch().count(), 1);
  itimerspec when{};
  when.it_value.tv_sec = since_boot / 1'000'000'000;
  when.it_value.tv_nsec = since_boot % 1'000'000'000;
  timerfd_settime(descriptor_.native_handle(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void TimerQueue::wait() {
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    std::uint64_t expirations = 0;
    if (read(descriptor_.native_handle(), &expirations, sizeof expirations) > 0) {
      armed_for_ = TimePoint::max();
      expire(runtime::BootClock::now());
    }
    arm();
    wait();
  });
}

void TimerQueue::expire(TimePoint now) {
  expiring_ = true;
  bool any_due = false;
  while (!heap_.empty()) {
    const Entry entry = heap_.top();
    const auto found = slots_.find(entry.key);
    const bool counts = found != slots_.end() && found->second.queued && found->second.queued_at == entry.at;
    const auto early = any_due && counts ? found->second.early : Duration{};
    if (entry.at - early > now) break;
    heap_.pop();
    if (!counts) continue;
    auto& slot = found->second;
    slot.queued = false;
    if (!slot.armed) continue;
    if (slot.at - early > now) {
      push(slot, entry.key);
      continue;
    }
    any_due = true;
    slot.armed = false;
    handler_(static_cast<std::uint32_t>(entry.key >> 8), static_cast<Timer>(entry.key & 0xff), slot.generation);
  }
  expiring_ = false;
}

}  // namespace ballast::vrrpd
