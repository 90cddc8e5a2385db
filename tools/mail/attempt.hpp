#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "tools/mail/letter.hpp"

namespace ballast::mail {

/// Where a mail is handed in.
struct Server {
  std::string host;  ///< name or address
  std::string port;
  std::string helo;                     ///< our name
  std::chrono::milliseconds timeout{};  ///< for the connection, and for each answer
};

struct Verdict {
  bool sent = false;
  bool temporary = false;              ///< another try may help
  bool tls_failed = false;             ///< the next try had better do without
  std::string how;                     ///< what the server said, or what was the matter
  std::vector<net::Mailbox> deferred;  ///< sent: those who were refused for now
};

/// One connection, one mail. TLS is opportunistic (RFC 7435): it is used where it is offered, and a certificate that
/// cannot be verified is said, and no reason to keep an alert back.
boost::asio::awaitable<Verdict> attempt(const Server& server, const Letter& letter, bool with_tls);

}  // namespace ballast::mail
