#include "common/net/mailbox.hpp"

#include <algorithm>

namespace ballast::net {
namespace {

constexpr std::size_t longest_address = 254;  ///< RFC 5321 section 4.5.3.1.3, less the brackets

bool is_control(unsigned char c) { return c < ' ' || c == 0x7f; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view given) {
  auto text = trim(given);
  if (std::ranges::any_of(text, is_control)) return fail("a mail address has no control characters");
  Mailbox made;
  if (text.ends_with('>')) {
    const auto open = text.rfind('<');
    if (open == std::string_view::npos) return fail("'{}' is no mail address", given);
    auto name = trim(text.substr(0, open));
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
    if (name.find_first_of("<>") != std::string_view::npos) return fail("'{}' is no mail address", given);
    made.name = name;
    text = text.substr(open + 1, text.size() - open - 2);
  }
  const auto at = text.rfind('@');
  const bool parts = at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.size() <= longest_address;
  const auto foreign = [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == ','; };
  if (!parts || std::ranges::any_of(text, foreign)) return fail("'{}' is no mail address", given);
  made.address = text;
  return made;
}

}  // namespace ballast::net
