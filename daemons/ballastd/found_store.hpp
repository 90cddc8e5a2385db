#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::ballastd {

/// The servers that sources found last, by service and the source's number within it.
using FoundServers = std::map<std::pair<std::string, unsigned>, std::vector<config::FoundServer>>;

/// What every source found when it last answered: kept while it does not answer, and across restarts.
class FoundStore {
 public:
  /// From what to_json() gave. Errors name what is missing.
  static Result<FoundStore> from_json(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json to_json() const;

  /// What a source says now. False when it changes nothing: it is as it was, its state is not good, or the model (the
  /// one in force) has no such source, such as when an answer to what was asked before a reload comes late.
  bool take(const config::Model& model, const bus::SourceState& said);
  /// Forgets those of sources that the model does not have; whether there were any. A source that looks for something
  /// else now keeps what it had until it has answered.
  bool forget_unknown(const config::Model& model);
  [[nodiscard]] const FoundServers& found() const { return found_; }

 private:
  FoundServers found_;
};

}  // namespace ballast::ballastd
