#include "daemons/checkd/agent_check.hpp"

#include <gmock/gmock.h>

#include "tests/unit/checkd/tls_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

config::Check agent_check(const net::Endpoint& target, std::string send = {}) {
  config::Check check;
  check.kind = config::CheckKind::agent;
  check.target = target;
  check.connect_timeout = 5s;
  check.agent.get().send = std::move(send);
  return check;
}

Behaviour says(std::string text) {
  return [text](tcp::socket& socket) -> asio::awaitable<void> {
    co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
  };
}

struct AgentCheckTest : testing::Test {
  asio::io_context io;
};

TEST_F(AgentCheckTest, AnAgentThatSaysUpWithAWeight) {
  const LocalServer agent{io, says("up 75%\n")};
  const auto verdict = probe(io, agent_check(agent.endpoint()));
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, fmt::format("agent {}: says up, 75%", agent.endpoint()));
  EXPECT_EQ(verdict.weight, (WeightWord{WeightWord::Kind::percent, 75}));
}

TEST_F(AgentCheckTest, AnAgentIsHeardUnderTlsWhereThatIsAskedFor) {
  const Certificate certificate{{}};
  const TlsServer tls{certificate};
  const LocalServer agent{io, tls.then([](TlsSocket& stream) -> asio::awaitable<void> {
                            const std::string text = "up 50%\n";
                            co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
                          })};
  auto check = agent_check(agent.endpoint());
  check.tls.get().verify = false;
  const auto verdict = probe(io, check);
  EXPECT_EQ(verdict.reason, fmt::format("agent {}: says up, 50%", agent.endpoint()));
  EXPECT_GT(verdict.certificate_until, 0);
}

TEST_F(AgentCheckTest, TheEndOfTheConnectionIsTheEndOfTheLine) {
  const LocalServer agent{io, says("maint")};
  const auto verdict = probe(io, agent_check(agent.endpoint()));
  EXPECT_EQ(verdict.cause, Cause::said_down);
  EXPECT_EQ(verdict.reason, fmt::format("agent {}: says maint", agent.endpoint()));
}

TEST_F(AgentCheckTest, ALineIsEnoughAlthoughTheAgentStaysOn) {
  const LocalServer agent{io, [](tcp::socket& socket) -> asio::awaitable<void> {
                            const std::string first = "down # disk";
                            const std::string rest = " full\nup\n";
                            co_await asio::async_write(socket, asio::buffer(first), asio::use_awaitable);
                            co_await asio::async_write(socket, asio::buffer(rest), asio::use_awaitable);
                            char more = 0;
                            co_await socket.async_read_some(asio::buffer(&more, 1), asio::use_awaitable);
                          }};
  EXPECT_EQ(probe(io, agent_check(agent.endpoint())).reason,
            fmt::format("agent {}: says down (disk full)", agent.endpoint()));
}

TEST_F(AgentCheckTest, TheAgentHearsWhatItIsToHear) {
  std::string heard;
  const LocalServer agent{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                            co_await asio::async_read_until(socket, asio::dynamic_buffer(heard), "\n",
                                                            asio::use_awaitable);
                            const std::string answer = "up\n";
                            co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
                          }};
  EXPECT_TRUE(probe(io, agent_check(agent.endpoint(), "state of web1\\n")).passed());
  EXPECT_EQ(heard, "state of web1\n");
}

TEST_F(AgentCheckTest, AnAgentThatIsNotThereSaysNothingOfTheServer) {
  LocalServer agent{io, says("up\n")};
  const auto endpoint = agent.endpoint();
  agent.close();
  const auto verdict = probe(io, agent_check(endpoint));
  EXPECT_EQ(verdict.cause, Cause::cannot_probe);
  EXPECT_EQ(verdict.reason, fmt::format("cannot probe: connect to {}: refused", endpoint));
}

TEST_F(AgentCheckTest, NeitherDoesOneThatHangsOrTalksOfSomethingElse) {
  const LocalServer silent{io, [](tcp::socket& socket) -> asio::awaitable<void> {
                             char more = 0;
                             co_await socket.async_read_some(asio::buffer(&more, 1), asio::use_awaitable);
                           }};
  auto check = agent_check(silent.endpoint());
  check.connect_timeout = 200ms;
  EXPECT_EQ(probe(io, check).reason, fmt::format("cannot probe: agent {}: timed out after 0.2 s", silent.endpoint()));
  const std::vector<std::pair<std::string, std::string>> cases{{"", ": says nothing"},
                                                               {"HTTP/1.1 400\r\n", ": says 'HTTP/1.1'"},
                                                               {std::string(9000, 'x'), "no end of its line"}};
  for (const auto& [text, reason] : cases) {
    const LocalServer strange{io, says(text)};
    const auto verdict = probe(io, agent_check(strange.endpoint()));
    EXPECT_EQ(verdict.cause, Cause::cannot_probe);
    EXPECT_THAT(verdict.reason, HasSubstr(reason));
  }
}

}  // namespace
}  // namespace ballast::checkd::test
