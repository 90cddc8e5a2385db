#include "daemons/checkd/tcp_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "daemons/checkd/connect.hpp"
#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::StartsWith;

asio::awaitable<void> close_at_once(tcp::socket&) { co_return; }

config::Check tcp_check(const net::Endpoint& target) {
  config::Check check;
  check.target = target;
  check.connect_timeout = 5s;
  return check;
}

struct TcpCheckTest : testing::Test {
  asio::io_context io;
};

TEST_F(TcpCheckTest, AnAcceptingServerPasses) {
  const LocalServer server{io, close_at_once};
  const auto verdict = probe(io, tcp_check(server.endpoint()));
  EXPECT_TRUE(verdict.passed()) << verdict.reason;
  EXPECT_EQ(verdict.reason, fmt::format("connect to {}: accepted", server.endpoint()));
  EXPECT_GT(verdict.took.count(), 0);
}

TEST_F(TcpCheckTest, APortWithoutAListenerIsRefused) {
  LocalServer server{io, close_at_once};
  const auto endpoint = server.endpoint();
  server.close();
  const auto verdict = probe(io, tcp_check(endpoint));
  EXPECT_EQ(verdict.cause, Cause::refused);
  EXPECT_EQ(verdict.reason, fmt::format("connect to {}: refused", endpoint));
}

TEST_F(TcpCheckTest, AServerThatNeverAnswersTimesOut) {
  // A listener whose accept queue is full drops further SYNs.
  tcp::acceptor full{io};
  full.open(tcp::v4());
  full.bind({asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<tcp::socket> fillers;
  for (int i = 0; i < 2; ++i) {
    fillers.emplace_back(io).async_connect(full.local_endpoint(), asio::detached);
  }
  const net::Endpoint endpoint{net::IpAddress::parse("127.0.0.1").value(), full.local_endpoint().port()};
  auto check = tcp_check(endpoint);
  check.connect_timeout = 200ms;
  const auto verdict = probe(io, check);
  EXPECT_EQ(verdict.cause, Cause::timed_out);
  EXPECT_EQ(verdict.reason, fmt::format("connect to {}: timed out after 0.2 s", endpoint));
  EXPECT_GE(verdict.took, 200ms);
}

TEST_F(TcpCheckTest, IPv6IsWrittenInBrackets) {
  tcp::acceptor acceptor{io};
  boost::system::error_code error;
  acceptor.open(tcp::v6(), error);
  if (!error) acceptor.bind({asio::ip::address_v6::loopback(), 0}, error);
  if (error) GTEST_SKIP() << "no IPv6 on this machine's loopback: " << error.message();
  acceptor.listen();
  const auto port = acceptor.local_endpoint().port();
  const auto verdict = probe(io, tcp_check({net::IpAddress::parse("::1").value(), port}));
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, fmt::format("connect to [::1]:{}: accepted", port));
}

TEST_F(TcpCheckTest, BindtoIsWhereTheServerIsAskedFrom) {
  LocalServer server{io, close_at_once};
  server.answer_only(asio::ip::make_address_v4("127.0.0.9"));
  auto check = tcp_check(server.endpoint());
  check.bind = net::Endpoint::parse("127.0.0.9:0").value();
  EXPECT_TRUE(probe(io, check).passed());
  check.bind = net::Endpoint::parse("127.0.0.8:0").value();
  check.connect_timeout = 50ms;
  EXPECT_EQ(probe(io, check).cause, Cause::timed_out);
}

TEST_F(TcpCheckTest, TheServersProgramIsNotBothered) {
  const LocalServer server{io, close_at_once};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(probe(io, tcp_check(server.endpoint())).passed());
  io.restart();
  io.run_for(50ms);
  EXPECT_TRUE(server.clients().empty());
}

TEST_F(TcpCheckTest, ABindtoAddressThatIsNotHereSaysNothingOfTheServer) {
  const LocalServer server{io, close_at_once};
  auto check = tcp_check(server.endpoint());
  check.bind = net::Endpoint::parse("192.0.2.9:0").value();
  const auto verdict = probe(io, check);
  EXPECT_EQ(verdict.cause, Cause::cannot_probe);
  EXPECT_THAT(verdict.reason, StartsWith("cannot probe: bind to 192.0.2.9: "));
}

TEST_F(TcpCheckTest, RunningOutOfFilesSaysNothingOfTheServer) {
  const LocalServer server{io, close_at_once};
  const auto check = tcp_check(server.endpoint());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const auto verdict = probe(io, check);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(verdict.cause, Cause::cannot_probe) << verdict.reason;
}

TEST(NetworkFailure, NamesWhatHappenedInWords) {
  using namespace boost::system::errc;
  config::Check check;
  check.connect_timeout = 1s;
  const auto words = [&](errc_t code) { return network_failure("connect to X", make_error_code(code), check).reason; };
  EXPECT_EQ(words(host_unreachable), "connect to X: no route to host");
  EXPECT_EQ(words(network_unreachable), "connect to X: network unreachable");
  EXPECT_EQ(words(connection_reset), "connect to X: connection reset");
  EXPECT_EQ(network_failure("connect to X", boost::beast::error::timeout, check).reason,
            "connect to X: timed out after 1 s");
}

}  // namespace
}  // namespace ballast::checkd::test
