#pragma once
// Who may do what on the bus.
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace ballast::bus {

/// The process at the other end of a connection, as the kernel tells it (SO_PEERCRED, SO_PEERGROUPS).
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups;  ///< the primary one included
  std::string user;           ///< for people
};

/// The machine's accounts that mean something on the bus; those that do not exist are left out.
struct Accounts {
  uid_t owner = 0;               ///< ballastd's own: may do what root may
  std::optional<uid_t> daemons;  ///< what daemons that need no root run as: may be one of them
  std::optional<gid_t> readers;  ///< group `ballast`
  std::optional<gid_t> admins;   ///< group `ballast-admin`
};

[[nodiscard]] bool may_read(const Accounts& accounts, const Peer& peer);
[[nodiscard]] bool may_change(const Accounts& accounts, const Peer& peer);

/// The daemons whose topics are theirs alone.
[[nodiscard]] bool is_daemon(std::string_view role);
/// May that process call itself so? An error says who may.
Result<> may_be(const Accounts& accounts, const Peer& peer, const std::string& role);

/// Prefixes of the topics that a role publishes besides `node/<role>`; none for a role that publishes nothing.
std::vector<std::string> prefixes_of(std::string_view role);
/// An error names whose topic it is.
Result<> may_publish(std::string_view role, std::string_view topic);

}  // namespace ballast::bus
