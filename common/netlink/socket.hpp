#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/netlink/types.hpp"
#include "common/result.hpp"

namespace ballast::netlink {

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

 private:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::netlink
