#pragma once
// One mail as it crosses the wire (RFC 5322), and addresses.
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace ballast::mail {

/// `who@example.com` or `A name <who@example.com>`.
struct Mailbox {
  std::string name;     ///< may be empty
  std::string address;  ///< for the envelope
};
/// Errors: no `@`, nothing beside it, or a character that has no place in an address (a blank, a control character,
/// `<`).
Result<Mailbox> parse_mailbox(std::string_view text);

struct Letter {
  Mailbox from;
  std::vector<Mailbox> to;
  std::string subject;
  std::string text;  ///< lines that end with \n
  std::chrono::sys_seconds date;
  std::string id;  ///< unique; the Message-ID's left part
};

/// Headers and body, lines of at most 998 bytes, each with CR LF, a line's leading dot doubled (RFC 5321
/// section 4.5.2), and the final dot. No value can begin another header or end the mail; what is not ASCII is encoded
/// (RFC 2047, RFC 2045).
std::string compose(const Letter& letter);

}  // namespace ballast::mail
