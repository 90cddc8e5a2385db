#pragma once
// What the kernel tells about links, addresses, routes and neighbours, as values.
#include <cstdint>
#include <optional>
#include <string>

#include "common/net/ip_address.hpp"

namespace ballast::netlink {

struct Link {
  int index = 0;
  std::string name;
  net::MacAddress mac;
  unsigned mtu = 0;
  bool admin_up = false;        ///< IFF_UP
  bool running = false;         ///< IFF_RUNNING: carrier and operational
  int peer_index = 0;           ///< IFLA_LINK: the device below, or a veth's peer; 0: none
  bool peer_elsewhere = false;  ///< that one is in another network namespace
  std::string kind;             ///< "veth", "macvlan", …; empty: physical
  std::uint16_t vlan = 0;       ///< of a VLAN device: its VLAN ID
  std::string alias;            ///< IFLA_IFALIAS: a remark, by which Ballast knows the links that it made
  bool operator==(const Link&) const = default;
};

struct Address {
  int link = 0;
  net::Prefix prefix;
  std::uint8_t scope = 0;   ///< RT_SCOPE_*
  std::uint32_t flags = 0;  ///< IFA_F_*
  std::string label;
  std::optional<net::IpAddress> broadcast;
  std::optional<net::IpAddress> peer;      ///< the far end; the prefix's length is then that of its network
  std::optional<std::uint32_t> preferred;  ///< seconds of preference, when adding an IPv6 address; none: for ever
  bool detect_duplicates = false;          ///< when adding an IPv6 address: without IFA_F_NODAD
  std::uint8_t protocol = 0;  ///< IFA_PROTO (kernel 5.18): Ballast marks its own with `ballast_address_protocol`
  bool operator==(const Address&) const = default;
};

/// The mark of addresses that Ballast added (IFA_PROTO), so that `--withdraw` and reconcilers touch no others.
constexpr std::uint8_t ballast_address_protocol = 0xba;

/// The answer to "how would a packet to this address leave?" (RTM_GETROUTE).
struct Route {
  int link = 0;
  std::optional<net::IpAddress> gateway;  ///< none: on link
  std::optional<net::IpAddress> source;   ///< preferred source
  bool local = false;                     ///< the address is this host's
  bool operator==(const Route&) const = default;
};

struct Neighbour {
  int link = 0;
  net::IpAddress address;
  net::MacAddress mac;
  std::uint16_t state = 0;  ///< NUD_*
  [[nodiscard]] bool resolved() const {
    return (state & 0xde) != 0 && !mac.is_zero();
  }  // PERMANENT|NOARP|REACHABLE|PROBE|STALE|DELAY
  bool operator==(const Neighbour&) const = default;
};

}  // namespace ballast::netlink
