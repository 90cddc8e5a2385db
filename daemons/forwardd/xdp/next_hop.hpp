#pragma once
#include <map>
#include <set>
#include <vector>

#include "common/netlink/socket.hpp"
#include "daemons/forwardd/xdp/exit.hpp"
#include "daemons/forwardd/xdp/planner.hpp"

namespace ballast::forwardd::xdp {

/// What a change in the network means for the data path.
struct NetworkChange {
  bool servers = false;  ///< the next hop of a server may be another
  bool cached = false;   ///< next hops towards clients, cached in connections, may be wrong
  [[nodiscard]] bool any() const { return servers || cached; }
};

/// Keeps each server's way resolved: the route by rtnetlink, the neighbour by the kernel, which is asked to keep it.
class NextHopResolver {
 public:
  explicit NextHopResolver(netlink::Socket& socket) : socket_{socket} {}

  /// Reads links and neighbours again, and every route.
  std::vector<Error> resync();
  /// These servers from now on; unknown ones are looked up.
  std::vector<Error> track(const std::set<net::IpAddress>& servers);
  /// Looks every route up again.
  std::vector<Error> refresh_routes();

  NetworkChange on_link(const netlink::Link& link, bool removed);
  NetworkChange on_neighbour(const netlink::Neighbour& neighbour, bool removed);

  [[nodiscard]] NextHops hops() const;
  /// Links by which servers are reached.
  [[nodiscard]] std::set<int> links_used() const;
  [[nodiscard]] const std::map<int, netlink::Link>& links() const { return links_; }

 private:
  struct Way {
    int link = 0;
    net::IpAddress neighbour;
    bool operator==(const Way&) const = default;
    auto operator<=>(const Way&) const = default;
  };
  Result<Way> way_to(const net::IpAddress& server);
  void look_up(const net::IpAddress& server, std::vector<Error>& errors);
  void manage(std::vector<Error>& errors);

  netlink::Socket& socket_;
  std::map<net::IpAddress, std::optional<Way>> servers_;
  std::map<net::IpAddress, net::IpAddress> locals_;  ///< this machine's address towards each server
  std::set<Way> managed_;
  std::map<Way, net::MacAddress> macs_;  ///< of resolved neighbours, ours or not
  std::map<int, netlink::Link> links_;
};

}  // namespace ballast::forwardd::xdp
