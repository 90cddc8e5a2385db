#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ballast::config {

/// Where alerts go by mail.
struct Mail {
  std::vector<std::string> to;       ///< notification_email, each with or without a name; empty: nobody
  std::string from;                  ///< empty: ballast@ and the host's name
  std::string server = "127.0.0.1";  ///< name or address
  std::uint16_t port = 25;
  std::string helo;                               ///< what it is told our name is; empty: the host's
  std::chrono::microseconds timeout{30'000'000};  ///< for the connection, and for each answer
  bool faults = true;                             ///< FAULT is an alert, too
  bool checkers = true;                           ///< each checker's change is an alert, too, not only the server's
  bool operator==(const Mail&) const = default;
};

}  // namespace ballast::config
