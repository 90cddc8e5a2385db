#include "common/config/print_writer.hpp"

namespace ballast::config {

std::string word(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos && !text.starts_with("include")) {
    return std::string{text};
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if (c == '$') out += "\"\"";  // a '$' before a quote begins no reference
  }
  return out + '"';
}

}  // namespace ballast::config
