#pragma once
// Ballast's own data path, loaded and filled as forwardd does it: services of each kind, eight servers each.
#include <chrono>
#include <memory>
#include <vector>

#include "bench/datapath/frame.hpp"
#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/object.hpp"
#include "daemons/forwardd/xdp/planner.hpp"

namespace ballast::bench {

/// How a service forwards.
enum class Mode : std::uint8_t { dr, nat, tun, fnat, gue, gre };
/// As tables and options call it.
std::string name_of(Mode mode);
bool is_tunnel(Mode mode);

/// One service of the benchmark.
struct Service {
  Mode mode = Mode::dr;
  net::Endpoint vip;
  std::vector<net::Endpoint> servers;
  net::Endpoint client;       ///< flow 0's; the feeding programs add to address and port
  net::IpAddress local_base;  ///< FNAT: LIPs are the next ones
};

/// IPv4 or IPv6; FNAT tells servers the client by TOA. Services of other numbers have other VIPs and servers.
Service make_service(Mode mode, net::Family family, int number = 0);

/// By which interface and to which MACs the servers are reached.
struct Hop {
  std::uint32_t ifindex = 1;
  net::MacAddress source{{0x02, 0, 0, 0, 0, 0x10}};
  net::MacAddress server{{0x02, 0, 0, 0, 1, 0}};  ///< the first server's; the others count on from it
};

/// Of this thread alone: what others do on the CPU meanwhile is not counted.
double cpu_nanoseconds();

class World {
 public:
  /// `connections`: size of the connection table.
  static Result<World> load(const std::vector<Service>& services, std::uint32_t connections, const Hop& hop);

  [[nodiscard]] int program() const { return object_.program.get(); }
  /// Packets towards and from servers since the start, and drops of any reason.
  struct Counts {
    std::uint64_t in = 0, out = 0, drops = 0;
  };
  [[nodiscard]] Result<Counts> counts() const;
  /// Connections that are established now, by the servers' counters.
  [[nodiscard]] std::uint64_t active() const;
  /// What FNAT servers answer to, by flow: of flows [0, count) of this service, all of which must be connections.
  [[nodiscard]] Result<std::vector<feed_answer>> answers(const Service& service, std::uint32_t count) const;
  /// Makes so many lines of the table established connections of the servers in turn, wherever they stand: enough for
  /// who walks over all of them. Returns how many.
  Result<std::uint32_t> fill(std::uint32_t connections);
  /// CPU time of one sweep, and how many connections it found.
  struct Sweep {
    std::chrono::nanoseconds took{};
    std::uint32_t connections = 0;
  };
  [[nodiscard]] Result<Sweep> sweep() const;
  /// Bytes of kernel memory of a map, by the kernel's own account.
  [[nodiscard]] Result<std::uint64_t> memory_of(const std::string& map) const;
  /// What memory alone costs, ns: a line of the table, and both buckets of a connection, one after the other at random
  /// places; read as a program would, each only when the one before is there.
  struct Memory {
    double line = 0, buckets = 0;
  };
  [[nodiscard]] Memory read_at_random(std::uint32_t reads) const;
  /// Empties the connection table.
  void forget();

 private:
  forwardd::xdp::Object object_;
  forwardd::xdp::LoadTable load_;
  forwardd::xdp::FlowTable flows_;
  forwardd::xdp::MappedArray<forwardd::xdp::layout::return_line> returns_;
  std::uint32_t servers_ = 0;  ///< indices in use, 0 included
};

}  // namespace ballast::bench
