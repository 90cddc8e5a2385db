#pragma once
// Links on top of others, and what a link's IPv4 is told by sysctl.
#include <libmnl/libmnl.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/net/ip_address.hpp"

namespace ballast::netlink {

/// A macvlan to be made, of mode private: it speaks to the network, not to its siblings. Down at first.
struct ChildLink {
  std::string name;
  int parent = 0;
  net::MacAddress mac;
  std::optional<std::uint32_t> group;  ///< of links, as `ip link … group` has it
  std::string alias;
};

/// Of one link, by IPV4_DEVCONF_*: what /proc/sys/net/ipv4/conf/LINK holds, over netlink, so that neither a file system
/// nor a capability besides CAP_NET_ADMIN is needed.
using Ipv4Settings = std::map<std::uint16_t, std::uint32_t>;

/// Of RTM_NEWLINK; empty: the link has no IPv4, or the message is broken.
Ipv4Settings parse_ipv4_settings(const nlmsghdr& message);

}  // namespace ballast::netlink
