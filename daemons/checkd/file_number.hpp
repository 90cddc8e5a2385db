#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/config/model_checks.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// What was read from a track_file: its first word, or why there is none.
struct FileText {
  std::string text;
  std::string fault;  ///< `No such file or directory`; empty: it was read
};

/// The number at the text's beginning: decimal, of 32 bits, alone in its word.
std::optional<int> parse_number(std::string_view text);

/// As keepalived's manual has it (track_file): what is no number counts as 0; with a weight of 0 a number other than 0
/// is a failure (`reverse`: 0 is); else the number times the weight is added to the server's weight (`dynamic`), and a
/// failure at -2147483648 or below.
Verdict judge_file(const config::FileCheck& check, const FileText& file);

}  // namespace ballast::checkd
