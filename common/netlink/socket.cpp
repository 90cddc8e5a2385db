#include "common/netlink/socket.hpp"

#include <linux/if_link.h>

#include <cstring>

#include "common/netlink/parse.hpp"
#include "common/netlink/socket_impl.hpp"

namespace ballast::netlink {
namespace {

constexpr std::uint32_t forever = ~0U;  ///< INFINITY_LIFE_TIME, which the kernel keeps to itself

}  // namespace

Socket::Socket(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::open() {
  auto impl = std::make_unique<Impl>();
  impl->socket.reset(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!impl->socket) return fail("cannot open a netlink socket: {}", std::generic_category().message(errno));
  if (mnl_socket_bind(impl->socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail("cannot bind a netlink socket: {}", std::generic_category().message(errno));
  }
  // These only make errors speak; an older kernel does without.
  int on = 1;
  mnl_socket_setsockopt(impl->socket.get(), NETLINK_CAP_ACK, &on, sizeof on);
  mnl_socket_setsockopt(impl->socket.get(), NETLINK_EXT_ACK, &on, sizeof on);
  // The kernel then looks at a dump's filter (kernel 4.20): one protocol's routes of a million.
  mnl_socket_setsockopt(impl->socket.get(), NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return Socket{std::move(impl)};
}

Result<std::vector<Link>> Socket::links() {
  return impl_->dump<Link, ifinfomsg>(RTM_GETLINK, parse_link, "interfaces");
}

Result<Link> Socket::link(const std::string& name) {
  if (name.empty() || name.size() >= IF_NAMESIZE) {
    return fail("'{}' is not an interface's name: it has 1 to {} characters", name, IF_NAMESIZE - 1);
  }
  Request request{RTM_GETLINK, NLM_F_ACK};
  request.extra<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  std::optional<Link> found;
  bool interrupted = false;
  const auto failure = impl_->ask(
      request, [&](const nlmsghdr& message) { found = parse_link(message); }, interrupted);
  if (failure && failure->code == ENODEV) return fail("there is no interface {}", name);
  if (failure) return fail("cannot read interface {}: {}", name, failure->to_string());
  if (!found) return fail("cannot read interface {}: the kernel's answer makes no sense", name);
  return *found;
}

Result<std::vector<Address>> Socket::addresses() {
  return impl_->dump<Address, ifaddrmsg>(RTM_GETADDR, parse_address, "addresses");
}

Result<std::vector<Neighbour>> Socket::neighbours() {
  return impl_->dump<Neighbour, ndmsg>(RTM_GETNEIGH, parse_neighbour, "neighbours");
}

Result<Route> Socket::route_to(const net::IpAddress& destination) {
  Request request{RTM_GETROUTE, NLM_F_ACK};
  auto& header = request.extra<rtmsg>();
  header.rtm_family = static_cast<std::uint8_t>(destination.af());
  header.rtm_dst_len = static_cast<std::uint8_t>(destination.bit_length());
  request.put(RTA_DST, destination);
  std::optional<ParsedRoute> found;
  bool interrupted = false;
  const auto failure = impl_->ask(
      request, [&](const nlmsghdr& message) { found = parse_route(message); }, interrupted);
  if (failure) return fail("no route to {}: {}", destination.to_string(), failure->to_string());
  if (!found) return fail("no route to {}: the kernel's answer makes no sense", destination.to_string());
  if (found->type != RTN_UNICAST && found->type != RTN_LOCAL) {
    return fail("no route to {}: the matching route is of a kind that delivers to no host (type {})",
                destination.to_string(), found->type);
  }
  return found->route;
}

Result<> Socket::add_address(const Address& address) {
  auto request = impl_->address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
  // A VIP is announced by us and was checked by nobody: duplicate detection would only leave it mute for a second.
  const bool unchecked = address.prefix.address.is_v6() && !address.detect_duplicates;
  const std::uint32_t flags = address.flags | (unchecked ? IFA_F_NODAD : 0U);
  if (flags != 0) request.put(IFA_FLAGS, flags);
  if (!address.label.empty() && address.prefix.address.is_v4()) request.put(IFA_LABEL, address.label);
  if (address.broadcast && address.prefix.address.is_v4()) request.put(IFA_BROADCAST, *address.broadcast);
  if (address.protocol != 0) request.put(IFA_PROTO, address.protocol);
  if ((address.flags & IFA_F_DEPRECATED) != 0) {
    request.put(IFA_CACHEINFO, ifa_cacheinfo{0, forever, 0, 0});
  } else if (address.preferred) {
    request.put(IFA_CACHEINFO, ifa_cacheinfo{*address.preferred, forever, 0, 0});
  }
  if (const auto failure = impl_->acknowledge(request); failure && failure->code != EEXIST) {
    return fail("cannot add address {} to {}: {}", address.prefix.to_string(), describe_link(address.link),
                failure->to_string());
  }
  return {};
}

Result<> Socket::remove_address(const Address& address) {
  auto request = impl_->address_request(RTM_DELADDR, 0, address);
  const auto failure = impl_->acknowledge(request);
  // An interface that is gone took its addresses along.
  if (!failure || failure->code == EADDRNOTAVAIL || failure->code == ENODEV) return {};
  return fail("cannot remove address {} from {}: {}", address.prefix.to_string(), describe_link(address.link),
              failure->to_string());
}

Result<> Socket::manage_neighbour(int link, const net::IpAddress& address) {
  auto failure = impl_->change_neighbour(link, address, NLM_F_CREATE, 0, NTF_EXT_MANAGED);
  if (failure && failure->code != EPERM && failure->code != ENODEV) {
    failure = impl_->change_neighbour(link, address, NLM_F_CREATE, NTF_USE, 0);
  }
  if (!failure) return {};
  return fail("cannot resolve neighbour {} on {}: {}", address.to_string(), describe_link(link), failure->to_string());
}

Result<> Socket::release_neighbour(int link, const net::IpAddress& address) {
  // Writing the entry anew without the managed flag leaves it to ageing, as any other.
  const auto failure = impl_->change_neighbour(link, address, 0, NTF_USE, 0);
  if (!failure || failure->code == ENOENT || failure->code == ENODEV) return {};
  return fail("cannot release neighbour {} on {}: {}", address.to_string(), describe_link(link), failure->to_string());
}

}  // namespace ballast::netlink
