#include "common/netlink/parse.hpp"

// Before the kernel's headers, which then leave out what it defines.
#include <net/if.h>

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "common/netlink/attributes.hpp"

namespace ballast::netlink {
namespace {

constexpr std::size_t max_attributes = 128;

/// The attributes of one message or nest by type; the last of a type counts.
class Attributes {
 public:
  explicit Attributes(std::span<const std::uint8_t> all) {
    for_each_attribute(all, [this](std::uint16_t type, std::span<const std::uint8_t> payload) {
      if (type < found_.size()) found_[type] = payload;
    });
  }

  [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t type) const {
    return type < found_.size() ? found_[type] : std::span<const std::uint8_t>{};
  }

  template <class T>
  [[nodiscard]] std::optional<T> number(std::size_t type) const {
    const auto data = bytes(type);
    if (data.size() != sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, data.data(), sizeof value);
    return value;
  }

  [[nodiscard]] std::string text(std::size_t type) const {
    const auto data = bytes(type);
    return {data.begin(), std::ranges::find(data, std::uint8_t{0})};
  }

  [[nodiscard]] std::optional<net::IpAddress> ip(std::size_t type) const {
    const auto address = net::IpAddress::from_bytes(bytes(type));
    if (!address) return std::nullopt;
    return *address;
  }

  [[nodiscard]] net::MacAddress mac(std::size_t type) const {
    net::MacAddress mac;
    const auto data = bytes(type);
    if (data.size() == mac.bytes.size()) std::ranges::copy(data, mac.bytes.begin());
    return mac;
  }

 private:
  std::array<std::span<const std::uint8_t>, max_attributes> found_{};
};

/// The family's fixed header, if the message is long enough to hold it.
template <class Header>
const Header* header_of(const nlmsghdr& message) {
  if (message.nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

bool is_internet(int family) { return family == AF_INET || family == AF_INET6; }

}  // namespace

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
  const Attributes info{attributes.bytes(IFLA_LINKINFO)};
  link.kind = info.text(IFLA_INFO_KIND);
  if (link.kind == "vlan")
    link.vlan = Attributes{info.bytes(IFLA_INFO_DATA)}.number<std::uint16_t>(IFLA_VLAN_ID).value_or(0);
  return link;
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
