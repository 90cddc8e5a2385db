#pragma once
// Services and servers as the maps have them. Pure.
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "daemons/forwardd/desired.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"

namespace ballast::forwardd::xdp {

/// How packets reach a server.
struct NextHop {
  std::uint32_t ifindex = 0;
  net::MacAddress source;
  net::MacAddress destination;
  net::IpAddress local{};               ///< this machine's address towards it
  unsigned mtu = 0;                     ///< 0: not known
  std::array<std::uint16_t, 2> vlan{};  ///< tags that frames get, outer first; 0: none
  bool operator==(const NextHop&) const = default;
};
/// A server's next hop; nothing where it is not known, and the server is written as unreachable.
using FindHop = std::function<std::optional<NextHop>(const net::IpAddress& server)>;
using NextHops = std::map<net::IpAddress, NextHop>;
/// In a map that outlives the function.
FindHop find_in(const NextHops& hops);

/// What two maps hold of a server.
struct ServerEntry {
  layout::server value{};
  layout::server_extra extra{};
};
bool same_bytes(const ServerEntry& a, const ServerEntry& b);

/// Index and role are the planner's. `before`: what is there; `fresh`: of another server, or of none.
ServerEntry entry_of(const DesiredService& service, const DesiredServer& server, std::uint32_t owner,
                     std::uint32_t role, const ServerEntry& before, bool fresh, const FindHop& hops);
/// One that keeps its connections and gets none: its server is reached in another way now.
ServerEntry former_entry(const DesiredServer& server, std::uint32_t role, const ServerEntry& before,
                         const FindHop& hops);
/// All but the sizes of its table and its range of local addresses.
layout::service entry_of(const DesiredService& service, std::uint32_t role);

/// Only the writes that new next hops make necessary.
std::vector<Change> plan_next_hops(const Mirror& now, const FindHop& hops);

}  // namespace ballast::forwardd::xdp
