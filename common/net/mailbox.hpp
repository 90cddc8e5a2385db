#pragma once
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace ballast::net {

/// `who@example.com` or `A name <who@example.com>`.
struct Mailbox {
  std::string name;     ///< may be empty
  std::string address;  ///< for the envelope
};
/// Errors: no `@`, nothing beside it, or a character that has no place in an address (a blank, a control character,
/// `<`).
Result<Mailbox> parse_mailbox(std::string_view text);

}  // namespace ballast::net
