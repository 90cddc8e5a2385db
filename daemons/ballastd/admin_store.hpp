#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/change.hpp"

namespace ballast::ballastd {

std::string admin_topic(const bus::ServerWord& word);

/// The operators' words about servers: which are drained or disabled, by whom and since when.
class AdminStore {
 public:
  /// From what to_json() gave. Errors name what is missing.
  static Result<AdminStore> from_json(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json to_json() const;

  struct Change {
    bus::ServerWord word;  ///< as it is now, or as it was when `undone`
    bool undone = false;
    bool changed = true;  ///< false: it was so before
  };
  /// `action` is drain, disable or enable. An error names the servers or services there are.
  Result<Change> apply(const config::Model& model, const std::string& action, bus::ServerWord word);
  /// Forgets the words about servers that the configuration does not have; which they were.
  std::vector<bus::ServerWord> forget_unknown(const config::Model& model);
  /// Forgets the words whose time is up (`now`: seconds since 1970); which they were.
  std::vector<bus::ServerWord> end(double now);
  /// When the next one is over.
  [[nodiscard]] std::optional<double> next_end() const;
  [[nodiscard]] const std::map<std::string, bus::ServerWord>& words() const { return words_; }

 private:
  std::map<std::string, bus::ServerWord> words_;  ///< by topic
};

}  // namespace ballast::ballastd
