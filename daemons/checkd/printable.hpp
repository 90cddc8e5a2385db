#pragma once
#include <string>
#include <string_view>

namespace ballast::checkd {

/// What a server said, fit for a log: printable ASCII, other bytes as `?`, cut off where it is too long.
inline std::string printable(std::string_view text, std::size_t longest = 120) {
  std::string out{text.substr(0, longest)};
  for (auto& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (text.size() > longest) out += "...";
  return out;
}

}  // namespace ballast::checkd
