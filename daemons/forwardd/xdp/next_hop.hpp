#pragma once
#include <map>
#include <set>
#include <span>
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
  /// Servers that come and go, each as often as somebody has it. New ones are looked up, and those that have had no
  /// way. `changed`: one that was known is reached in another way now.
  struct Tracked {
    std::vector<Error> errors;
    bool changed = false;
  };
  Tracked track(std::span<const net::IpAddress> come, std::span<const net::IpAddress> go);
  /// Looks every route up again.
  std::vector<Error> refresh_routes();

  NetworkChange on_link(const netlink::Link& link, bool removed);
  NetworkChange on_neighbour(const netlink::Neighbour& neighbour, bool removed);

  [[nodiscard]] std::optional<NextHop> hop_to(const net::IpAddress& server) const;
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
  struct Server {
    std::size_t uses = 0;
    std::optional<Way> way;
    net::IpAddress local{};  ///< this machine's address towards it
  };
  Result<> look_up(const net::IpAddress& address, Server& server);
  void manage(std::vector<Error>& errors);

  netlink::Socket& socket_;
  std::map<net::IpAddress, Server> servers_;
  std::set<net::IpAddress> lost_;  ///< servers without a way
  std::set<Way> ways_;             ///< of all servers
  std::set<Way> managed_;
  std::map<Way, net::MacAddress> macs_;  ///< of resolved neighbours, ours or not
  std::map<int, netlink::Link> links_;
};

}  // namespace ballast::forwardd::xdp
