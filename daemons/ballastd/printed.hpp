#pragma once
// A printed configuration as a tree, and what differs between two, in the words of the language.
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keywords.hpp"

namespace ballast::ballastd {

/// One statement of config::print, which writes one a line.
struct Printed {
  std::string keyword;
  std::string value;  ///< the rest of the line, as written
  bool has_block = false;
  std::vector<Printed> children;
  bool operator==(const Printed&) const = default;
  /// Keyword and value.
  [[nodiscard]] std::string line() const;
};

/// Reads what config::print has written; nothing else.
std::vector<Printed> read_printed(std::string_view text);

/// Appends what differs between two blocks of a context: a line for the values, `LABEL: priority 100 -> 150, nopreempt
/// added`, and for each block within that differs its own: `LABEL: check TCP_CHECK: connect_timeout 5 -> 1`. Without a
/// label each change is a line. Secrets are named only.
void describe_changes(std::vector<std::string>& lines, const std::string& label, config::Context context,
                      const std::vector<Printed>& before, const std::vector<Printed>& after);

}  // namespace ballast::ballastd
