#pragma once
#include <filesystem>

#include "common/result.hpp"

namespace ballast::vrrpd {

/// What a dead vrrpd left behind: removes every address that carries our mark and that its state file names, sends
/// priority 0 for what was MASTER, and notes in the state file that nothing runs. No state file: nothing to do.
Result<> withdraw(const std::filesystem::path& run_dir);

/// The same, but only where the dead vrrpd has been away for so long that others have taken over what it was MASTER of.
Result<> withdraw_when_late(const std::filesystem::path& run_dir);

}  // namespace ballast::vrrpd
