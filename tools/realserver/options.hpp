#pragma once
// The command line's words, made into what is wanted. Pure.
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "tools/realserver/model.hpp"

namespace ballast::realserver {

/// As typed.
struct Words {
  std::string mode;
  std::vector<std::string> vips;  ///< each one or several, parted by commas
  std::vector<std::string> interfaces;
  std::vector<std::string> trust;
  std::optional<unsigned> gue_port;
  std::string cgroup;
};

/// Every fault names its option.
Result<Wanted> parse(const Words& words);

}  // namespace ballast::realserver
