#pragma once
#include "common/config/loader.hpp"
#include "common/config/preprocess.hpp"

namespace ballast::config {

/// load_text() with other files and bounds than the machine's; what the fuzzer calls. Needs options.config_id.
Loaded load(std::string text, const std::string& name, const LoadOptions& options, const Files& files,
            const Limits& limits);

}  // namespace ballast::config
