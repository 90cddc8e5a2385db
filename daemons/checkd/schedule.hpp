#pragma once
#include <algorithm>
#include <chrono>

namespace ballast::checkd {

/// When one check probes: its interval is a grid that its probes keep to, however long each takes, so that they stay
/// spread as they were at the start. Pure; times are counted from any point on.
class Schedule {
 public:
  using Time = std::chrono::nanoseconds;

  Schedule(Time first, Time interval)
      : grid_{first}, interval_{std::max(interval, Time{std::chrono::milliseconds{1}})} {}

  /// The time of the probe after one that ended now. `wait` is the policy's: the interval means the grid's next point,
  /// anything else is kept as it is.
  [[nodiscard]] Time after(Time now, Time wait) const {
    if (wait != interval_) return now + wait;
    const auto missed = now < grid_ ? Time::rep{0} : (now - grid_) / interval_ + 1;
    return grid_ + missed * interval_;
  }

  /// What a stall has held up is not done all at once: one that comes this late waits a part of the time that was lost.
  /// `random` is in [0, 1). 0: go on at once.
  [[nodiscard]] Time pause(Time due, Time now, double random) const {
    const auto late = now - due;
    if (late <= stall) return Time{0};
    return Time{static_cast<Time::rep>(static_cast<double>(std::min(late, interval_).count()) * random)};
  }

 private:
  static constexpr Time stall = std::chrono::milliseconds{250};
  Time grid_;
  Time interval_;
};

}  // namespace ballast::checkd
