#pragma once
#include <chrono>

namespace ballast::runtime {

/// CLOCK_BOOTTIME: monotonic and counting while the machine sleeps. Cores take its time points as arguments.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

using TimePoint = BootClock::time_point;

/// UTC since 1970.
std::chrono::nanoseconds wall_time();

/// Wall-clock seconds since 1970 with a fraction, for what people read (`since`).
double unix_time();

}  // namespace ballast::runtime
