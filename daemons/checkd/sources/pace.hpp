#pragma once
// How often sources are looked up, and how often what they say is followed. Pure.
#include <algorithm>

#include "common/config/duration.hpp"
#include "common/runtime/clock.hpp"

namespace ballast::checkd {

/// How long a DNS answer is trusted: its TTL, within the configured interval and an hour.
inline config::Duration trusted_for(std::chrono::seconds ttl, config::Duration interval) {
  constexpr config::Duration longest = std::chrono::hours{1};
  return std::clamp<config::Duration>(ttl, interval, std::max(interval, longest));
}

/// Waits after failures in a row, each twice the one before.
class Backoff {
 public:
  explicit Backoff(config::Duration first = std::chrono::seconds{1},
                   config::Duration longest = std::chrono::seconds{30})
      : first_{first}, longest_{longest}, next_{first} {}
  config::Duration next() {
    const auto wait = next_;
    next_ = std::min(next_ * 2, longest_);
    return wait;
  }
  void reset() { next_ = first_; }

 private:
  config::Duration first_;
  config::Duration longest_;
  config::Duration next_;
};

/// So many times at once, and once more each `every`.
class Allowance {
 public:
  Allowance(unsigned burst, config::Duration every) : burst_{burst}, every_{every}, left_{burst} {}
  /// False: not now, but after wait().
  bool take(runtime::TimePoint now) {
    refill(now);
    if (left_ == 0) return false;
    if (left_ == burst_) filled_ = now;
    --left_;
    return true;
  }
  [[nodiscard]] config::Duration wait(runtime::TimePoint now) const {
    if (left_ > 0 || filled_ + every_ <= now) return config::Duration{0};
    return std::chrono::ceil<config::Duration>(filled_ + every_ - now);
  }

 private:
  void refill(runtime::TimePoint now) {
    while (left_ < burst_ && filled_ + every_ <= now) {
      ++left_;
      filled_ += every_;
    }
  }

  unsigned burst_;
  config::Duration every_;
  unsigned left_;
  runtime::TimePoint filled_{};  ///< since when the next one is waited for
};

}  // namespace ballast::checkd
