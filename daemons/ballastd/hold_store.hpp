#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::ballastd {

std::string hold_topic(const std::string& instance);

/// Which instances leave their role to another router, by an operator's word. Pure: `now` is seconds since 1970.
class HoldStore {
 public:
  /// From what to_json() gave. Errors name what is missing.
  static Result<HoldStore> from_json(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json to_json() const;

  /// Who is meant by an instance's name: it and the members of its sync group; by none, all. An error names the
  /// instances.
  static Result<std::vector<std::string>> meant(const config::Model& model, const std::string& instance);
  /// The word holds for these from now on; a word about maintenance goes before one about an instance.
  void hold(const std::vector<std::string>& instances, bus::VrrpHold word);
  /// Undoes words of that kind; the instances that are held no longer.
  std::vector<std::string> release(const std::vector<std::string>& instances, bool maintenance);
  /// Forgets what is over or about instances that the configuration does not have; which they were.
  std::vector<bus::VrrpHold> forget(const config::Model& model, double now);
  /// When the next one is over.
  [[nodiscard]] std::optional<double> next_end() const;
  [[nodiscard]] const std::map<std::string, bus::VrrpHold>& words() const { return words_; }

 private:
  std::map<std::string, bus::VrrpHold> words_;  ///< by instance
};

}  // namespace ballast::ballastd
