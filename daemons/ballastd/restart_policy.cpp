#include "daemons/ballastd/restart_policy.hpp"

#include <algorithm>

namespace ballast::ballastd {

RestartPolicy::Verdict RestartPolicy::died(TimePoint now) {
  const auto life = now - started_;
  if (life >= stays_up) deaths_ = 0;
  if (deaths_ == 0 || life >= patience_ / 3) absent_since_ = now;
  Verdict verdict;
  if (deaths_ > 0) {
    constexpr unsigned enough_doublings = 10;
    verdict.pause = std::min(first_pause * (1 << std::min(deaths_ - 1, enough_doublings)), longest_pause);
  }
  ++deaths_;
  verdict.too_late = now + verdict.pause - absent_since_ >= patience_;
  return verdict;
}

}  // namespace ballast::ballastd
