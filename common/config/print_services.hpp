#pragma once
#include <string>

#include "common/config/model.hpp"

namespace ballast::config {

/// Appends the virtual_servers, with the groups that they use, to the other parts of a file.
std::string print_services(std::string before, const Model& model);

}  // namespace ballast::config
