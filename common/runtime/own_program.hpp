#pragma once
#include <filesystem>
#include <string>

#include "common/result.hpp"

namespace ballast::runtime {

/// One of Ballast's programs: beside the one that asks (in a build folder, in libexec), or in libexec once installed.
/// Errors: there is none.
Result<std::filesystem::path> own_program(const std::string& name);

}  // namespace ballast::runtime
