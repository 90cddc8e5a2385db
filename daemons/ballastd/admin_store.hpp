#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::ballastd {

std::string admin_topic(const bus::ServerAdmin& word);

/// The operators' words about servers: which are drained or disabled, by whom and since when.
class AdminStore {
 public:
  /// From what to_json() gave. Errors name what is missing.
  static Result<AdminStore> from_json(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json to_json() const;

  struct Change {
    bus::ServerAdmin word;  ///< as it is now, or as it was when `undone`
    bool undone = false;
    bool changed = true;  ///< false: it was so before
  };
  /// `action` is drain, disable or enable. An error names the servers or services there are.
  Result<Change> apply(const config::Model& model, const std::string& action, bus::ServerAdmin word);
  /// Forgets the words about servers that the configuration does not have; which they were.
  std::vector<bus::ServerAdmin> forget_unknown(const config::Model& model);
  [[nodiscard]] const std::map<std::string, bus::ServerAdmin>& words() const { return words_; }

 private:
  std::map<std::string, bus::ServerAdmin> words_;  ///< by topic
};

}  // namespace ballast::ballastd
