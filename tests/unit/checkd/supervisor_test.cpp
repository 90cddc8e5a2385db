#include "daemons/checkd/supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;

asio::awaitable<void> close_at_once(tcp::socket&) { co_return; }

struct SupervisorTest : testing::Test {
  config::Model watching(const net::Endpoint& endpoint) const {
    config::Check check;
    check.target = endpoint;
    check.delay_loop = 5ms;
    check.delay_before_retry = 1ms;
    check.connect_timeout = 5s;
    check.bind_interface = "lo";  // a probe with socket options completes the handshake: the server sees it
    config::RealServer server;
    server.endpoint = endpoint;
    server.checks = {check};
    config::VirtualServer service;
    service.name = "tcp:10.0.0.100:80";
    service.real_servers = {server};
    config::Model model;
    model.virtual_servers = {service};
    return model;
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    io.restart();
    while (!condition()) ASSERT_TRUE(std::chrono::steady_clock::now() < limit && io.run_one_for(10s) > 0);
  }
  bool is_up() const { return !published.empty() && published.back().up; }

  asio::io_context io;
  std::vector<bus::ServerHealth> published;
  std::vector<ServerKey> withdrawn;
  std::vector<bus::Event> events;
  Supervisor supervisor{io,
                        {.publish = [this](const auto& health) { published.push_back(health); },
                         .withdraw = [this](const auto& key) { withdrawn.push_back(key); },
                         .event = [this](const auto& event) { events.push_back(event); }}};
};

TEST_F(SupervisorTest, AServersDeathAndReturnAreFound) {
  auto server = std::make_unique<LocalServer>(io, close_at_once);
  const auto endpoint = server->endpoint();
  supervisor.apply(watching(endpoint));
  run_until([&] { return server->clients().size() >= 3; });
  EXPECT_TRUE(is_up());
  EXPECT_EQ(published.size(), 2U) << "not probed yet, accepted; then silence";

  server->close();
  run_until([&] { return !is_up(); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].message, fmt::format("tcp:10.0.0.100:80: server {0} down (connect to {0}: refused)", endpoint));

  tcp::acceptor back{io, {asio::ip::address_v4::loopback(), endpoint.port}};
  run_until([&] { return is_up(); });
  EXPECT_EQ(events.size(), 2U);
}

TEST_F(SupervisorTest, AReloadWithoutTheServerEndsItsProbes) {
  const LocalServer gone{io, close_at_once};
  const LocalServer other{io, close_at_once};
  supervisor.apply(watching(gone.endpoint()));
  run_until([&] { return !gone.clients().empty(); });
  supervisor.apply(watching(other.endpoint()));
  ASSERT_EQ(withdrawn.size(), 1U);
  EXPECT_EQ(withdrawn[0].server, gone.endpoint().to_string());
  run_until([&] { return other.clients().size() == 1; });
  const auto probes = gone.clients().size();
  run_until([&] { return other.clients().size() == 10; });
  EXPECT_LE(gone.clients().size(), probes);
}

TEST_F(SupervisorTest, NothingIsToldAfterStop) {
  const LocalServer server{io, close_at_once};
  supervisor.apply(watching(server.endpoint()));
  const auto before = published.size();
  supervisor.stop();
  io.run_for(50ms);
  EXPECT_EQ(published.size(), before);
}

}  // namespace
}  // namespace ballast::checkd::test
