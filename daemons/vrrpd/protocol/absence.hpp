#pragma once
// When a speaker that keeps dying has been away for too long.
#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd {

/// What is known of the lives of one speaker after another. 0: never.
struct Lives {
  TimePoint started;       ///< of the last one that began
  TimePoint last_sign;     ///< of life, of the same
  TimePoint absent_since;  ///< the end of the last life that was long enough to be heard by others
};

/// A life counts as presence from a third of `patience` on: how long peers wait for the next advertisement.
/// Call it at each death: whether others have taken over by now. Keeps `absent_since`.
inline bool away_for_too_long(Lives& lives, TimePoint now, Duration patience) {
  if (lives.absent_since == TimePoint{} || lives.last_sign - lives.started >= patience / 3)
    lives.absent_since = lives.last_sign;
  return now - lives.absent_since >= patience;
}

}  // namespace ballast::vrrpd
