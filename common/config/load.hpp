#pragma once
#include "common/config/loader.hpp"
#include "common/config/preprocess.hpp"

namespace ballast::config {

/// load_text() with other files and bounds than the machine's; what the fuzzer calls. Needs options.config_id.
Loaded load(std::string text, const std::string& name, const LoadOptions& options, const Files& files,
            const Limits& limits);

struct LoadedWith {
  Loaded loaded;
  bool includes_it = false;  ///< the file with the other text is one that is included
};
/// load_file() as if another file, which it may include and which need not be there, had that text.
LoadedWith load_file_with(const std::filesystem::path& file, const std::filesystem::path& included,
                          const std::string& text, const LoadOptions& options);

/// Services in a text of their own, which includes nothing: virtual_server, virtual_server_group and
/// local_address_group alone. What they do not say themselves is what the configuration that they join says in
/// `global`.
Loaded load_services(std::string text, const std::string& name, const Global& global);

}  // namespace ballast::config
