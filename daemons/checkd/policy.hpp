#pragma once
#include <cstdint>

#include "common/config/model.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// When one check probes and when its results count: retries, intervals, the state before the first result. Pure.
class CheckPolicy {
 public:
  enum class Change : std::uint8_t { none, reason, state };
  struct Step {
    config::Duration wait{};  ///< from now to the next probe
    Change change = Change::none;
  };

  /// `initial` says why the check is up or down before its first result.
  CheckPolicy(const config::Check& check, bool up, std::string initial);

  /// The wait before the first probe; `random` is in [0, 1).
  [[nodiscard]] config::Duration first_delay(double random) const;

  /// A failure counts after 1 + retry tries in a row, a success after `rise` in a row. A probe that could not be made
  /// changes no state.
  Step on_verdict(const Verdict& verdict);
  /// Something else has seen failures: the next one counts at once.
  void suspect() {
    if (up_) failures_ = retry_;
  }

  [[nodiscard]] bool up() const { return up_; }
  /// Of the failures in a row before one counts, which this was; 0: the last verdict was none of them.
  [[nodiscard]] unsigned failures() const { return failures_; }
  /// The verdict that the present state rests on.
  [[nodiscard]] const Verdict& latest() const { return latest_; }

 private:
  Change adopt(const Verdict& verdict, bool up);

  config::Duration delay_loop_;
  config::Duration delay_before_retry_;
  config::Duration warmup_;
  unsigned retry_;
  unsigned rise_;
  unsigned failures_ = 0;   ///< in a row, while up
  unsigned successes_ = 0;  ///< in a row, while down
  bool up_;
  Verdict latest_;
};

/// The longest time from a server's silent death to the verdict: an interval, and every try timing out.
config::Duration detection_time(const config::Check& check);

}  // namespace ballast::checkd
