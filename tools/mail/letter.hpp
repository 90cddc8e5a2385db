#pragma once
// One mail as it crosses the wire (RFC 5322).
#include <chrono>
#include <string>
#include <vector>

#include "common/net/mailbox.hpp"

namespace ballast::mail {

struct Letter {
  net::Mailbox from;
  std::vector<net::Mailbox> to;
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
