#pragma once
// This machine as a real server: what is found on it, and the steps carried out.
#include <filesystem>

#include "tools/realserver/planner.hpp"
#include "tools/realserver/report.hpp"

namespace ballast::realserver {

struct Folders {
  std::filesystem::path state = "/run/ballast-realserver";
  std::filesystem::path pins = "/sys/fs/bpf/ballast-realserver";
};

/// Makes the server what is wanted. Nothing is changed where something stands in the way; each hindrance is logged.
Result<> bring_up(const Folders& folders, Wanted wanted);

/// Puts back what was changed, and takes away what was made.
Result<> undo(const Folders& folders);

Result<Report> look(const Folders& folders);

}  // namespace ballast::realserver
