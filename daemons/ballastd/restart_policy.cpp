#include "daemons/ballastd/restart_policy.hpp"

#include <algorithm>

namespace ballast::ballastd {

RestartPolicy::Verdict RestartPolicy::died(TimePoint now) {
  if (now - lives_.started >= stays_up) deaths_ = 0;
  if (deaths_ == 0) lives_.absent_since = {};
  lives_.last_sign = now;
  Verdict verdict;
  if (deaths_ > 0) {
    constexpr unsigned enough_doublings = 10;
    verdict.pause = std::min(first_pause * (1 << std::min(deaths_ - 1, enough_doublings)), longest_pause);
  }
  ++deaths_;
  verdict.too_late = runtime::away_for_too_long(lives_, now + verdict.pause, patience_);
  return verdict;
}

}  // namespace ballast::ballastd
