#include "common/netlink/parse.hpp"

// Before the kernel's headers, which then leave out what it defines.
#include <net/if.h>

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "common/netlink/attributes.hpp"
#include "common/netlink/child_link.hpp"

namespace ballast::netlink {
std::optional<Link> parse_link(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  // AF_BRIDGE messages tell of a port's bridge settings, not of the link.
  if (header == nullptr || header->ifi_family != AF_UNSPEC) return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  Link link;
  link.index = header->ifi_index;
  link.name = attributes.text(IFLA_IFNAME);
  link.mac = attributes.mac(IFLA_ADDRESS);
  link.mtu = attributes.number<std::uint32_t>(IFLA_MTU).value_or(0);
  link.admin_up = (header->ifi_flags & IFF_UP) != 0;
  link.running = (header->ifi_flags & IFF_RUNNING) != 0;
  link.peer_index = static_cast<int>(attributes.number<std::uint32_t>(IFLA_LINK).value_or(0));
  link.peer_elsewhere = attributes.number<std::uint32_t>(IFLA_LINK_NETNSID).has_value();
  link.alias = attributes.text(IFLA_IFALIAS);
  const Attributes info{attributes.bytes(IFLA_LINKINFO)};
  link.kind = info.text(IFLA_INFO_KIND);
  if (link.kind == "vlan")
    link.vlan = Attributes{info.bytes(IFLA_INFO_DATA)}.number<std::uint16_t>(IFLA_VLAN_ID).value_or(0);
  return link;
}

Ipv4Settings parse_ipv4_settings(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (header == nullptr || header->ifi_family != AF_UNSPEC) return {};
  const Attributes attributes{bytes_after(message, sizeof *header)};
  const Attributes families{attributes.bytes(IFLA_AF_SPEC)};
  const auto values = Attributes{families.bytes(AF_INET)}.bytes(IFLA_INET_CONF);
  Ipv4Settings settings;  // an array whose first element is that of IPV4_DEVCONF 1
  for (std::size_t at = 0; at + sizeof(std::uint32_t) <= values.size(); at += sizeof(std::uint32_t)) {
    std::uint32_t value = 0;
    std::memcpy(&value, values.data() + at, sizeof value);
    settings[static_cast<std::uint16_t>(at / sizeof value + 1)] = value;
  }
  return settings;
}

std::optional<Address> parse_address(const nlmsghdr& message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (header == nullptr || !is_internet(header->ifa_family)) return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  // On point-to-point links IFA_ADDRESS is the far end and IFA_LOCAL ours.
  auto ip = attributes.ip(IFA_LOCAL);
  if (!ip) ip = attributes.ip(IFA_ADDRESS);
  if (!ip) return std::nullopt;
  Address address;
  address.link = static_cast<int>(header->ifa_index);
  if (const auto far = attributes.ip(IFA_ADDRESS); far && *far != *ip) address.peer = *far;
  address.prefix = {*ip, header->ifa_prefixlen};
  address.scope = header->ifa_scope;
  address.flags = attributes.number<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
  address.label = attributes.text(IFA_LABEL);
  address.broadcast = attributes.ip(IFA_BROADCAST);
  address.protocol = attributes.number<std::uint8_t>(IFA_PROTO).value_or(0);
  return address;
}

std::optional<Neighbour> parse_neighbour(const nlmsghdr& message) {
  const auto* header = header_of<ndmsg>(message);
  if (header == nullptr || !is_internet(header->ndm_family)) return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  const auto ip = attributes.ip(NDA_DST);
  if (!ip) return std::nullopt;
  return Neighbour{header->ndm_ifindex, *ip, attributes.mac(NDA_LLADDR), header->ndm_state};
}

std::optional<ParsedRoute> parse_route(const nlmsghdr& message) {
  const auto* header = header_of<rtmsg>(message);
  if (header == nullptr || !is_internet(header->rtm_family)) return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  ParsedRoute parsed{.route = {}, .type = header->rtm_type};
  parsed.route.link = static_cast<int>(attributes.number<std::uint32_t>(RTA_OIF).value_or(0));
  parsed.route.gateway = attributes.ip(RTA_GATEWAY);
  // RTA_VIA is a gateway of the other family: two bytes of family, then the address.
  if (const auto via = attributes.bytes(RTA_VIA); !parsed.route.gateway && via.size() > 2) {
    if (const auto gateway = net::IpAddress::from_bytes(via.subspan(2))) parsed.route.gateway = *gateway;
  }
  parsed.route.source = attributes.ip(RTA_PREFSRC);
  parsed.route.local = header->rtm_type == RTN_LOCAL;
  return parsed;
}

}  // namespace ballast::netlink
