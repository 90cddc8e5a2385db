#pragma once
#include <vector>

#include "common/config/model.hpp"

namespace ballast::scriptd {

/// Every program that a configuration names.
std::vector<const config::Command*> commands_of(const config::Model& model);

}  // namespace ballast::scriptd
