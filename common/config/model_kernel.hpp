#pragma once
// What is programmed into the kernel for VRRP besides plain addresses: virtual MACs, routes, rules, and what is there
// always ("static"). Names of tables, scopes and protocols are the kernel's numbers here.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/enum_names.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::net {
constexpr auto enum_names(Family*) {
  return std::array{std::pair{Family::ipv4, std::string_view{"ipv4"}},
                    std::pair{Family::ipv6, std::string_view{"ipv6"}}};
}
}  // namespace ballast::net

namespace ballast::config {

constexpr std::uint32_t forever = 0xffff'ffff;  ///< of lifetimes, in seconds

/// What an address may say besides dev, label, scope and brd.
struct AddressOptions {
  std::optional<net::IpAddress> peer;
  std::optional<std::uint32_t> preferred;  ///< preferred_lft in seconds, or `forever`; 0: deprecated
  bool home = false;
  bool detect_duplicates = false;  ///< -nodad
  bool temporaries = false;        ///< mngtmpaddr
  bool no_prefix_route = false;
  bool join = false;  ///< autojoin
  bool track = true;  ///< put back when somebody removes it
  std::string vmac;   ///< the virtual MAC's link that it is on; empty: on its interface itself
  std::string group;  ///< track_group, of static ones
  bool operator==(const AddressOptions&) const = default;
};

/// A macvlan with a virtual MAC.
struct Vmac {
  std::string name;
  std::string interface;  ///< what it stands on
  net::Family family = net::Family::ipv4;
  net::MacAddress mac;
  std::optional<std::uint32_t> link_group;
  bool operator==(const Vmac&) const = default;
};

enum class RouteKind : std::uint8_t {
  unicast = 1,
  local = 2,
  broadcast = 3,
  anycast = 4,
  multicast = 5,
  blackhole = 6,
  unreachable = 7,
  prohibit = 8,
  throw_ = 9
};
constexpr auto enum_names(RouteKind*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{RouteKind::unicast, string_view{"unicast"}},
                    pair{RouteKind::local, string_view{"local"}},
                    pair{RouteKind::broadcast, string_view{"broadcast"}},
                    pair{RouteKind::anycast, string_view{"anycast"}},
                    pair{RouteKind::multicast, string_view{"multicast"}},
                    pair{RouteKind::blackhole, string_view{"blackhole"}},
                    pair{RouteKind::unreachable, string_view{"unreachable"}},
                    pair{RouteKind::prohibit, string_view{"prohibit"}},
                    pair{RouteKind::throw_, string_view{"throw"}}};
}

enum class RoutePlacement : std::uint8_t { prepend, append, add };
constexpr auto enum_names(RoutePlacement*) {
  return std::array{std::pair{RoutePlacement::prepend, std::string_view{"prepend"}},
                    std::pair{RoutePlacement::append, std::string_view{"append"}},
                    std::pair{RoutePlacement::add, std::string_view{"add"}}};
}

struct RouteHop {
  std::optional<net::IpAddress> via;
  std::string interface;  ///< empty: as the gateway tells
  unsigned weight = 1;    ///< 1..256; among several only
  bool onlink = false;
  std::uint32_t realms = 0;
  bool operator==(const RouteHop&) const = default;
};

struct Route {
  net::Prefix destination;  ///< its family is the route's
  std::optional<net::Prefix> from;
  RouteKind kind = RouteKind::unicast;
  std::vector<RouteHop> hops;
  std::optional<net::IpAddress> source;
  std::uint8_t tos = 0;
  std::uint32_t table = 254;
  std::uint32_t metric = 0;
  std::uint8_t scope = 0;
  std::optional<std::uint8_t> protocol;  ///< RTPROT_*; none: Ballast's own
  std::uint32_t realms = 0;
  std::map<std::string, std::uint32_t> metrics;  ///< `mtu`, `advmss`, … in the kernel's units
  std::vector<std::string> locked;               ///< of the metrics
  std::string congestion_control;
  std::string preference;  ///< IPv6 router preference: low, high; empty: medium
  RoutePlacement placement = RoutePlacement::prepend;
  bool track = true;
  std::string group;
  bool operator==(const Route&) const = default;
};

enum class RuleAction : std::uint8_t { lookup = 1, jump = 2, nop = 3, blackhole = 6, unreachable = 7, prohibit = 8 };
constexpr auto enum_names(RuleAction*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{RuleAction::lookup, string_view{"table"}},
                    pair{RuleAction::jump, string_view{"goto"}},
                    pair{RuleAction::nop, string_view{"nop"}},
                    pair{RuleAction::blackhole, string_view{"blackhole"}},
                    pair{RuleAction::unreachable, string_view{"unreachable"}},
                    pair{RuleAction::prohibit, string_view{"prohibit"}}};
}

struct Rule {
  net::Family family = net::Family::ipv4;
  std::uint32_t preference = 0;
  bool invert = false;
  std::optional<net::Prefix> from, to;
  std::uint8_t tos = 0;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> mark;  ///< fwmark and its mask
  std::string input, output;                                    ///< iif, oif
  RuleAction action = RuleAction::lookup;
  std::uint32_t target = 0;  ///< the table, or the preference to go to
  std::optional<std::uint32_t> suppress_prefix_length, suppress_group;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> users;
  bool l3mdev = false;
  std::uint8_t ip_protocol = 0;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> source_ports, destination_ports;
  std::optional<std::uint64_t> tunnel;
  std::uint32_t realms = 0;
  std::optional<std::uint8_t> protocol;
  bool track = true;
  std::string group;
  bool operator==(const Rule&) const = default;
};

/// Of one vrrp_instance.
struct KernelObjects {
  std::string vmac;         ///< the link that it speaks from; empty: none
  std::vector<Vmac> vmacs;  ///< all that it needs, that one included
  bool transmit_from_base = false;
  bool track_primary = true;  ///< the interface's loss is FAULT
  bool track_source = false;  ///< the configured source's loss is FAULT
  bool promote_secondaries = false;
  std::vector<Route> routes;
  std::vector<Rule> rules;
  bool operator==(const KernelObjects&) const = default;
};

/// The table that keeps packets from VIPs whose instance accepts none, and IGMP and MLD from virtual MACs.
struct Firewall {
  std::string table = "ballast_vrrp";
  int priority = -1;
  bool counters = false;
  bool operator==(const Firewall&) const = default;
};

/// Instances that are FAULT when a static object of the group cannot be there.
struct TrackGroup {
  std::string name;
  std::vector<std::string> members;
  bool operator==(const TrackGroup&) const = default;
};

// One list of fields a struct, as in model_json.cpp.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AddressOptions, peer, preferred, home, detect_duplicates, temporaries,
                                   no_prefix_route, join, track, vmac, group)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Vmac, name, interface, family, mac, link_group)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RouteHop, via, interface, weight, onlink, realms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Route, destination, from, kind, hops, source, tos, table, metric, scope, protocol,
                                   realms, metrics, locked, congestion_control, preference, placement, track, group)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Rule, family, preference, invert, from, to, tos, mark, input, output, action, target,
                                   suppress_prefix_length, suppress_group, users, l3mdev, ip_protocol, source_ports,
                                   destination_ports, tunnel, realms, protocol, track, group)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(KernelObjects, vmac, vmacs, transmit_from_base, track_primary, track_source,
                                   promote_secondaries, routes, rules)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Firewall, table, priority, counters)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrackGroup, name, members)

}  // namespace ballast::config
