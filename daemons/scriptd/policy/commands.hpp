#pragma once
#include <vector>

#include "common/config/model.hpp"

namespace ballast::scriptd {

/// Every program that a configuration names.
std::vector<const config::Command*> commands_of(const config::Model& model);

/// The programs that are checks of servers (MISC_CHECK).
std::vector<const config::Command*> checks_of(const config::Model& model);

}  // namespace ballast::scriptd
