#pragma once
// Entries of the routing tables and of the rules that choose among them, whole, as Ballast writes and reads them.
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::netlink {

/// The mark of routes and rules that Ballast added (RTPROT_*, FRA_PROTOCOL): reconcilers touch no others. A number that
/// neither the kernel's header nor FRR nor bird has given to anyone (0xba, the mark of addresses, is BGP's here).
constexpr std::uint8_t ballast_route_protocol = 0xb1;

/// One way that a route takes.
struct NextHop {
  int link = 0;                           ///< 0: as the gateway tells
  std::optional<net::IpAddress> gateway;  ///< of either family; none: on link
  std::uint8_t weight = 0;                ///< one less than people write; counts among several only
  bool onlink = false;                    ///< the gateway is taken for reachable on the link
  std::uint32_t realm = 0;
  auto operator<=>(const NextHop&) const = default;
};

/// RTM_NEWROUTE. The destination's family is the route's.
struct RouteEntry {
  net::Prefix destination;
  std::optional<net::Prefix> from;  ///< IPv6: for packets from there only
  std::uint8_t tos = 0;
  std::uint32_t table = RT_TABLE_MAIN;
  std::uint32_t metric = 0;  ///< IPv6: 0 is 1024
  std::uint8_t type = RTN_UNICAST;
  std::uint8_t scope = RT_SCOPE_UNIVERSE;
  std::uint8_t protocol = ballast_route_protocol;
  std::optional<net::IpAddress> source;  ///< preferred source
  std::vector<NextHop> hops;             ///< none for blackholes and their like
  std::uint32_t realm = 0;
  std::map<std::uint16_t, std::uint32_t> metrics;  ///< RTAX_*; RTAX_LOCK is a set of bits
  std::string congestion_control;
  std::uint8_t preference = 0;  ///< IPv6: ICMPV6_ROUTER_PREF_*
  bool operator==(const RouteEntry&) const = default;
};

/// RTM_NEWRULE.
struct RuleEntry {
  net::Family family = net::Family::ipv4;
  std::uint32_t priority = 0;
  bool invert = false;
  std::optional<net::Prefix> from;
  std::optional<net::Prefix> to;
  std::uint8_t tos = 0;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> mark;  ///< fwmark and its mask
  std::string input;                                            ///< interface a packet came by
  std::string output;                                           ///< interface a local socket is bound to
  std::uint8_t action = FR_ACT_TO_TBL;
  std::uint32_t table = 0;
  std::uint32_t target = 0;  ///< of FR_ACT_GOTO
  std::optional<std::uint32_t> suppress_prefix_length;
  std::optional<std::uint32_t> suppress_group;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> users;
  bool l3mdev = false;
  std::uint8_t ip_protocol = 0;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> source_ports;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> destination_ports;
  std::optional<std::uint64_t> tunnel;
  std::uint32_t realm = 0;
  std::uint8_t protocol = ballast_route_protocol;
  bool operator==(const RuleEntry&) const = default;
};

/// The form in which the kernel tells a route: defaults filled in, what means nothing left out, next hops in order.
RouteEntry canonical(RouteEntry route);

// As in parse.hpp: every length checked; none: broken, or of no interest (a cached route, another family).
std::optional<RouteEntry> parse_route_entry(const nlmsghdr& message);  ///< RTM_NEWROUTE, RTM_DELROUTE; canonical
std::optional<RuleEntry> parse_rule_entry(const nlmsghdr& message);    ///< RTM_NEWRULE, RTM_DELRULE

}  // namespace ballast::netlink
