#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/netlink/child_link.hpp"
#include "common/netlink/route_entry.hpp"
#include "common/netlink/types.hpp"
#include "common/result.hpp"

namespace ballast::netlink {

/// Where a route goes among others of its destination: before them, after them, or only when there is none.
enum class RoutePlace : std::uint8_t { prepend, append, add };

/// Requests to rtnetlink, each answered before the call returns (the kernel answers at once; nothing waits on a peer).
/// Errors name the operation, the object and the kernel's reason.
class Socket {
 public:
  static Result<Socket> open();
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  Result<std::vector<Link>> links();
  Result<Link> link(const std::string& name);
  Result<std::vector<Address>> addresses();
  Result<std::vector<Neighbour>> neighbours();
  /// RTM_GETROUTE for one destination.
  Result<Route> route_to(const net::IpAddress& destination);

  /// NLM_F_CREATE|NLM_F_REPLACE; an address that is there already is no error. IPv6 is added with IFA_F_NODAD.
  /// IFA_F_DEPRECATED (IPv6): never chosen by itself as the source of what this host sends.
  Result<> add_address(const Address& address);
  /// An address that is not there is no error.
  Result<> remove_address(const Address& address);
  /// Asks the kernel to resolve this neighbour and keep it resolved (NTF_EXT_MANAGED); on an older kernel NTF_USE,
  /// once.
  Result<> manage_neighbour(int link, const net::IpAddress& address);
  Result<> release_neighbour(int link, const net::IpAddress& address);

  /// The routes of one RTPROT_* (RTPROT_UNSPEC: of any), of all tables and both families.
  Result<std::vector<RouteEntry>> routes(std::uint8_t protocol);
  /// One that is there already is no error but for `add`. Errors are the kernel's reason alone.
  Result<> add_route(const RouteEntry& route, RoutePlace place = RoutePlace::prepend);
  /// One that is not there is no error.
  Result<> remove_route(const RouteEntry& route);
  Result<std::vector<RuleEntry>> rules();
  Result<> add_rule(const RuleEntry& rule);
  Result<> remove_rule(const RuleEntry& rule);

  Result<> add_link(const ChildLink& link);
  /// A link that is gone is no error.
  Result<> remove_link(int index);
  Result<> set_link_up(int index);
  Result<> mark_link(int index, const std::string& alias);
  /// No link-local address out of the MAC (IN6_ADDR_GEN_MODE_NONE).
  Result<> make_no_link_local_address(int index);
  Result<Ipv4Settings> ipv4_settings(int index);
  Result<> set_ipv4_settings(int index, const Ipv4Settings& settings);

 private:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::netlink
