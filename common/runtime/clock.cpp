#include "common/runtime/clock.hpp"

#include <ctime>

namespace ballast::runtime {

BootClock::time_point BootClock::now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return time_point{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

std::chrono::nanoseconds wall_time() { return std::chrono::system_clock::now().time_since_epoch(); }

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace ballast::runtime
