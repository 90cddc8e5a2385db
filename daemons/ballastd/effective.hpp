#pragma once
#include <memory>
#include <string>
#include <vector>

#include "daemons/ballastd/change_store.hpp"
#include "daemons/ballastd/found_store.hpp"

namespace ballast::ballastd {

using ModelPointer = std::shared_ptr<const config::Model>;

enum class Fate : std::uint8_t {
  applied,
  said,       ///< the configuration is so without it
  impossible  ///< what it is about is not there, or it would make the configuration invalid
};

struct ChangeFate {
  std::uint64_t number = 0;
  Fate fate = Fate::applied;
  std::string why;  ///< when impossible
  std::optional<int> weight_before{};
};

/// The configuration in force, and what became of its parts.
struct Effective {
  ModelPointer model;  ///< the file's own where nothing differs from it
  std::vector<ChangeFate> changes;
  std::vector<std::string> left_out;  ///< found servers that cannot be used, and why
};

/// The configuration in force: what the file says, what operators have changed of it, in that order, and what sources
/// have found.
Effective effective(const ModelPointer& file, const std::vector<bus::Change>& changes, const FoundServers& found);

}  // namespace ballast::ballastd
