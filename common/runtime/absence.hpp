#pragma once
// When a daemon that keeps dying has been away for too long. Pure.
#include "common/runtime/clock.hpp"

namespace ballast::runtime {

/// What is known of the lives of one daemon after another. 0: never.
struct Lives {
  TimePoint started;       ///< of the last one that began
  TimePoint last_sign;     ///< of life, of the same
  TimePoint absent_since;  ///< the end of the last life that was long enough to be noticed by others
};

/// A life counts as presence from a third of `patience` on: how long others wait for its next word.
/// Call it at each death: whether by now they have taken over. Keeps `absent_since`.
inline bool away_for_too_long(Lives& lives, TimePoint now, BootClock::duration patience) {
  if (lives.absent_since == TimePoint{} || lives.last_sign - lives.started >= patience / 3)
    lives.absent_since = lives.last_sign;
  return now - lives.absent_since >= patience;
}

}  // namespace ballast::runtime
