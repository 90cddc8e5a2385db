#pragma once
#include <string>
#include <vector>

#include "common/config/model.hpp"

namespace ballast::ballastd {

/// What a person is told of a reload: one line for each instance, group, service and server that was added, removed or
/// changed, and in which field. Nothing when the two are equal.
std::vector<std::string> diff(const config::Model& before, const config::Model& after);

}  // namespace ballast::ballastd
