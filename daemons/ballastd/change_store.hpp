#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/change.hpp"

namespace ballast::ballastd {

/// What operators have changed of what the file says, in the order in which it is applied. Pure: `now` is seconds since
/// 1970.
class ChangeStore {
 public:
  static constexpr std::size_t most = 10'000;

  /// From what to_json() gave. Errors name what is missing.
  static Result<ChangeStore> from_json(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json to_json() const;

  /// Adds a change, numbered by this. Earlier ones that it makes void are dropped: a weight goes before an earlier one
  /// that lasts no longer, and who takes away for good what was added takes back the addition. None: that was all.
  std::optional<std::uint64_t> add(bus::Change change);
  /// An error when there is no such change.
  Result<bus::Change> undo(std::uint64_t number);
  void clear() { changes_.clear(); }
  /// Drops those for which it holds.
  void drop(const std::function<bool(const bus::Change&)>& holds) { std::erase_if(changes_, holds); }
  /// Drops those whose time is up; which they were.
  std::vector<bus::Change> end(double now);
  /// When the next one is over.
  [[nodiscard]] std::optional<double> next_end() const;
  [[nodiscard]] const std::vector<bus::Change>& changes() const { return changes_; }
  [[nodiscard]] const bus::Change* find(std::uint64_t number) const;
  void set_weight_before(std::uint64_t number, std::optional<int> weight);

 private:
  bool takes_back(const bus::Change& change);

  std::vector<bus::Change> changes_;
  std::uint64_t next_ = 1;
};

}  // namespace ballast::ballastd
