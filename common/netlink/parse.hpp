#pragma once
#include <libmnl/libmnl.h>

#include <optional>

#include "common/netlink/types.hpp"

namespace ballast::netlink {

// rtnetlink messages as values. Every length is checked; a message that is broken or about nothing of interest
// (another address family) is none.

std::optional<Link> parse_link(const nlmsghdr& message);            ///< RTM_NEWLINK, RTM_DELLINK
std::optional<Address> parse_address(const nlmsghdr& message);      ///< RTM_NEWADDR, RTM_DELADDR
std::optional<Neighbour> parse_neighbour(const nlmsghdr& message);  ///< RTM_NEWNEIGH, RTM_DELNEIGH

/// RTM_NEWROUTE, with the kind of route (RTN_*), as unreachable ones are routes, too.
struct ParsedRoute {
  Route route;
  std::uint8_t type = 0;
};
std::optional<ParsedRoute> parse_route(const nlmsghdr& message);

}  // namespace ballast::netlink
