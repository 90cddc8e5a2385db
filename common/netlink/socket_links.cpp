// Socket: links that Ballast makes, and the settings of links.
#include <linux/if_link.h>
#include <linux/ip.h>

#include "common/netlink/socket_impl.hpp"

namespace ballast::netlink {
namespace {

Request link_request(std::uint16_t type, std::uint16_t flags, int index) {
  Request request{type, static_cast<std::uint16_t>(NLM_F_ACK | flags)};
  request.extra<ifinfomsg>().ifi_index = index;
  return request;
}

void put_kind(Request& request) {
  request.put_nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{"macvlan"});
    request.put_nest(IFLA_INFO_DATA, [&] { request.put(IFLA_MACVLAN_MODE, std::uint32_t{MACVLAN_MODE_PRIVATE}); });
  });
}

}  // namespace

Result<> Socket::add_link(const ChildLink& link) {
  auto request = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  request.put(IFLA_IFNAME, link.name);
  request.put(IFLA_LINK, static_cast<std::uint32_t>(link.parent));
  request.put(IFLA_ADDRESS, link.mac.bytes);
  if (link.group) request.put(IFLA_GROUP, *link.group);
  put_kind(request);
  auto failure = impl_->acknowledge(request);
  if (!failure) {
    // The kernel takes an alias for links that are there only.
    auto mark = link_request(RTM_NEWLINK, 0, 0);
    mark.put(IFLA_IFNAME, link.name);
    mark.put(IFLA_IFALIAS, link.alias);
    failure = impl_->acknowledge(mark);
  }
  if (!failure) return {};
  return fail("cannot make {} on {}: {}", link.name, describe_link(link.parent), failure->to_string());
}

Result<> Socket::remove_link(int index) {
  const auto name = describe_link(index);
  auto request = link_request(RTM_DELLINK, 0, index);
  const auto failure = impl_->acknowledge(request);
  if (!failure || failure->code == ENODEV) return {};
  return fail("cannot remove {}: {}", name, failure->to_string());
}

Result<> Socket::set_link_up(int index) {
  auto request = link_request(RTM_NEWLINK, 0, index);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(request.header()));
  header->ifi_flags = IFF_UP;
  header->ifi_change = IFF_UP;
  const auto failure = impl_->acknowledge(request);
  if (!failure) return {};
  return fail("cannot set {} up: {}", describe_link(index), failure->to_string());
}

Result<> Socket::mark_link(int index, const std::string& alias) {
  auto request = link_request(RTM_NEWLINK, 0, index);
  request.put(IFLA_IFALIAS, alias);
  const auto failure = impl_->acknowledge(request);
  if (!failure) return {};
  return fail("cannot mark {}: {}", describe_link(index), failure->to_string());
}

Result<> Socket::make_no_link_local_address(int index) {
  auto request = link_request(RTM_NEWLINK, 0, index);
  request.put_nest(IFLA_AF_SPEC, [&] {
    request.put_nest(AF_INET6, [&] { request.put(IFLA_INET6_ADDR_GEN_MODE, std::uint8_t{IN6_ADDR_GEN_MODE_NONE}); });
  });
  const auto failure = impl_->acknowledge(request);
  // A kernel without IPv6 makes none anyway.
  if (!failure || failure->code == EAFNOSUPPORT) return {};
  return fail("cannot keep {} from a link-local address of its own: {}", describe_link(index), failure->to_string());
}

Result<Ipv4Settings> Socket::ipv4_settings(int index) {
  auto request = link_request(RTM_GETLINK, 0, index);
  Ipv4Settings settings;
  bool interrupted = false;
  const auto failure = impl_->ask(
      request, [&](const nlmsghdr& message) { settings = parse_ipv4_settings(message); }, interrupted);
  if (failure) return fail("cannot read the settings of {}: {}", describe_link(index), failure->to_string());
  return settings;
}

Result<> Socket::set_ipv4_settings(int index, const Ipv4Settings& settings) {
  if (settings.empty()) return {};
  auto request = link_request(RTM_NEWLINK, 0, index);
  request.put_nest(IFLA_AF_SPEC, [&] {
    request.put_nest(AF_INET, [&] {
      request.put_nest(IFLA_INET_CONF, [&] {
        for (const auto& [type, value] : settings) request.put(type, value);
      });
    });
  });
  const auto failure = impl_->acknowledge(request);
  if (!failure || failure->code == ENODEV) return {};
  return fail("cannot change the settings of {}: {}", describe_link(index), failure->to_string());
}

}  // namespace ballast::netlink
