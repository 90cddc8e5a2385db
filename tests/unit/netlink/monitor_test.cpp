#include "common/netlink/monitor.hpp"

#include <gmock/gmock.h>

#include <boost/asio.hpp>

#include "common/netlink/socket.hpp"
#include "tests/unit/netlink/network_namespace.hpp"

namespace ballast::netlink {
namespace {

using namespace std::chrono_literals;

class NetlinkMonitor : public test::InNetworkNamespace {
 protected:
  /// Runs the loop until it holds; false after 10 s.
  template <class Condition>
  bool until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io_.run_one_for(100ms);
      io_.restart();
    }
    return true;
  }
  boost::asio::io_context io_;
};

TEST_F(NetlinkMonitor, TellsOfAnAddressThatComesAndGoes) {
  std::vector<std::string> seen;
  MonitorHandlers handlers;
  handlers.address = [&](const Address& address, bool removed) {
    seen.push_back(fmt::format("{}{}", removed ? "-" : "+", address.prefix));
  };
  const auto monitor = Monitor::open(io_, handlers);
  ASSERT_TRUE(monitor) << monitor.error().message;
  ip({"addr", "add", "203.0.113.10/32", "dev", "lo"});
  ip({"addr", "del", "203.0.113.10/32", "dev", "lo"});
  ASSERT_TRUE(until([&] { return seen.size() == 2; }));
  EXPECT_THAT(seen, ::testing::ElementsAre("+203.0.113.10/32", "-203.0.113.10/32"));
}

TEST_F(NetlinkMonitor, TellsOfLinksNeighboursAndRoutes) {
  std::optional<Link> last;
  bool gone = false;
  std::vector<std::string> neighbours;
  unsigned routes = 0;
  MonitorHandlers handlers;
  handlers.link = [&](const Link& link, bool removed) {
    if (link.name != "left") return;
    last = link;
    gone = removed;
  };
  handlers.neighbour = [&](const Neighbour& neighbour, bool) {
    if (neighbour.resolved() && neighbour.address.is_v4()) neighbours.push_back(neighbour.address.to_string());
  };
  handlers.route = [&] { ++routes; };
  const auto monitor = Monitor::open(io_, handlers);
  ASSERT_TRUE(monitor) << monitor.error().message;
  ip({"link", "add", "left", "type", "veth", "peer", "name", "right"});
  ip({"link", "set", "right", "up"});
  ip({"link", "set", "left", "up"});
  ASSERT_TRUE(until([&] { return last && last->running; }));
  ip({"addr", "add", "10.9.0.1/24", "dev", "left"});
  ASSERT_TRUE(until([&] { return routes > 0; }));
  ip({"neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "left"});
  ASSERT_TRUE(until([&] { return !neighbours.empty(); }));
  EXPECT_EQ(neighbours.front(), "10.9.0.2");
  ip({"link", "set", "right", "down"});
  ASSERT_TRUE(until([&] { return !last->running; }));
  ip({"link", "del", "left"});
  ASSERT_TRUE(until([&] { return gone; }));
}

TEST_F(NetlinkMonitor, MayBeEndedByItsOwnHandler) {
  std::unique_ptr<Monitor> monitor;
  unsigned calls = 0;
  MonitorHandlers handlers;
  handlers.address = [&](const Address&, bool) {
    ++calls;
    monitor.reset();
  };
  monitor = Monitor::open(io_, handlers).value();
  ip({"addr", "add", "203.0.113.10/32", "dev", "lo"});
  ip({"addr", "add", "203.0.113.11/32", "dev", "lo"});
  io_.run();  // ends by itself: nothing is left to wait for
  EXPECT_EQ(calls, 1U);
}

TEST_F(NetlinkMonitor, LostMessagesMeanResync) {
  unsigned resyncs = 0;
  MonitorHandlers handlers;
  handlers.address = [](const Address&, bool) {};
  handlers.resync = [&] { ++resyncs; };
  const auto monitor = Monitor::open(io_, handlers);
  ASSERT_TRUE(monitor) << monitor.error().message;
  auto socket = Socket::open().value();
  Address address;
  address.link = socket.link("lo")->index;
  address.prefix = *net::Prefix::parse("203.0.113.10/32");
  // Each change waits in some hundred bytes of kernel memory, of which the monitor has 8 MiB.
  for (unsigned i = 0; i < 12'000; ++i) {
    ASSERT_TRUE(socket.add_address(address));
    ASSERT_TRUE(socket.remove_address(address));
  }
  EXPECT_TRUE(until([&] { return resyncs > 0; }));
}

}  // namespace
}  // namespace ballast::netlink
