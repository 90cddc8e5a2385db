#pragma once
#include <chrono>

#include "common/runtime/absence.hpp"

namespace ballast::ballastd {

/// When a daemon that died is started again: at once the first time, later and later when it does not stay up.
class RestartPolicy {
 public:
  using TimePoint = runtime::TimePoint;
  using Duration = std::chrono::milliseconds;

  static constexpr Duration first_pause{100};
  static constexpr Duration longest_pause{5000};
  static constexpr Duration stays_up{10'000};  ///< a life so long: its death is the first again

  struct Verdict {
    Duration pause{0};
    bool too_late = false;  ///< it will have been away for longer than its peers wait
  };

  /// How long a daemon may be away before others take over its work; a third of it is a life that counts as presence.
  void set_patience(Duration patience) { patience_ = patience; }
  void started(TimePoint now) { lives_.started = now; }
  Verdict died(TimePoint now);

 private:
  Duration patience_{3000};
  runtime::Lives lives_;
  unsigned deaths_ = 0;
};

}  // namespace ballast::ballastd
