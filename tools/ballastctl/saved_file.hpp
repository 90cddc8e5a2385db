#pragma once
#include <filesystem>
#include <string>

#include "common/result.hpp"

namespace ballast::ctl {

/// Replaces a file as a whole, durably, with the mode, and where we may the owner and group, of another: whoever reads
/// it finds the old or the new one.
Result<> replace_file(const std::filesystem::path& file, const std::string& text, const std::filesystem::path& like);

/// A file's content, or standard input's where the name is `-`; at most `most` bytes.
Result<std::string> read_text(const std::string& name, std::size_t most);

}  // namespace ballast::ctl
