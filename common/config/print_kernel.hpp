#pragma once
#include <string>
#include <vector>

#include "common/config/model.hpp"

namespace ballast::config {

/// The options of an address that are not defaults, each with a blank before it; `vmac`: that of the instance.
std::string options_of(const AddressOptions& options, const std::string& vmac);
/// The lines of an instance about its virtual MAC and what it tracks.
std::vector<std::string> lines_of(const KernelObjects& kernel);
/// The lines of global_defs.
std::vector<std::string> kernel_lines_of(const Global& global);

}  // namespace ballast::config
