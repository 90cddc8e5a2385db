#pragma once
// What trackers say, and what that means for an instance: a fault, or a sum of weights.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/model_tracking.hpp"

namespace ballast::vrrpd {

using TrackKey = std::pair<config::TrackKind, std::string>;

/// What a tracker last found.
struct TrackValue {
  int value = 0;       ///< 1 up, 0 down; of a file its number
  std::string reason;  ///< `script chk failed: exit status 1, 3 times`
  bool operator==(const TrackValue&) const = default;
};

/// Of one instance: the last words of all its trackers.
class TrackBoard {
 public:
  void set(TrackKey tracker, TrackValue value) { values_[std::move(tracker)] = std::move(value); }

  /// Trackers whose first word is to come, without which nobody knows whether the instance can run; none: it may begin.
  [[nodiscard]] std::optional<std::string> awaited(const std::vector<config::Track>& tracks) const;
  /// Why the instance cannot run: a tracker of weight 0 is down (or reversed: up), a file says -254 or less.
  [[nodiscard]] std::optional<std::string> fault(const std::vector<config::Track>& tracks) const;
  /// What is added to the priority: a positive weight while its tracker is up, a negative one while it is down, with
  /// the other sign if reversed; the number of a file times its weight.
  [[nodiscard]] int sum(const std::vector<config::Track>& tracks) const;

 private:
  [[nodiscard]] const TrackValue* find(const config::Track& track) const;
  std::map<TrackKey, TrackValue> values_;
};

}  // namespace ballast::vrrpd
