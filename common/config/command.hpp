#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace ballast::config {

/// Cuts a command into the program and its arguments, as keepalived does and without a shell: blanks part them, `'…'`
/// and `"…"` keep them together, a backslash (not within `'…'`) takes the next character as it is. Errors: nothing in
/// it, a quote that is not closed.
Result<std::vector<std::string>> split_command(std::string_view text);
/// The inverse.
std::string command_text(const std::vector<std::string>& words);

}  // namespace ballast::config
