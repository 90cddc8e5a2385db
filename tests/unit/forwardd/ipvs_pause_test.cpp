// New connections wait while their service is held, those of others and those that are there do not. In a namespace.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>

#include "daemons/forwardd/ipvs/pause.hpp"
#include "tests/unit/netlink/network_namespace.hpp"

namespace ballast::forwardd::ipvs {
namespace {

class IpvsPause : public test::InNetworkNamespace {};

net::Endpoint at(std::uint16_t port) { return {*net::IpAddress::parse("127.0.0.1"), port}; }

/// A socket of TCP on the loopback that does not wait; closed at the end.
struct Socket {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(fd); }

  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return made;
  }
  void serve(std::uint16_t port) const {
    const auto here = address(port);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    ASSERT_EQ(listen(fd, 16), 0);
  }
  void begin(std::uint16_t port) const {
    const auto there = address(port);
    connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there);
  }
  /// Whether it is connected within so many ms.
  [[nodiscard]] bool connected(int limit) const {
    pollfd waiting{fd, POLLOUT, 0};
    return ::poll(&waiting, 1, limit) == 1 && (waiting.revents & (POLLERR | POLLHUP)) == 0;
  }
};

TEST_F(IpvsPause, ANewConnectionWaitsAndComesThroughAfterwards) {
  constexpr int soon = 200;
  constexpr int in_the_end = 20'000;
  const Socket held_server;
  const Socket other_server;
  held_server.serve(80);
  other_server.serve(8080);
  const Socket before;
  before.begin(80);
  ASSERT_TRUE(before.connected(in_the_end));
  const Socket held;
  {
    const std::vector<ServiceKey> services{{net::Family::ipv4, 0, IPPROTO_TCP, at(80)}};
    const Pause pause{services};
    held.begin(80);
    const Socket other;
    other.begin(8080);
    EXPECT_TRUE(other.connected(in_the_end));
    EXPECT_FALSE(held.connected(soon));
    EXPECT_EQ(send(before.fd, "x", 1, MSG_NOSIGNAL), 1);
    pollfd first{held_server.fd, POLLIN, 0};
    ASSERT_EQ(::poll(&first, 1, in_the_end), 1);
    const int accepted = accept(held_server.fd, nullptr, nullptr);
    pollfd heard{accepted, POLLIN, 0};
    EXPECT_EQ(::poll(&heard, 1, in_the_end), 1);
    close(accepted);
  }
  EXPECT_TRUE(held.connected(in_the_end));
}

}  // namespace
}  // namespace ballast::forwardd::ipvs
