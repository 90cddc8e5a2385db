// DNS_CHECK, UDP_CHECK and PING_CHECK, against servers of this machine.
#include <gmock/gmock.h>

#include "common/net/dns_message.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/ping_check.hpp"
#include "tests/unit/checkd/local_datagrams.hpp"
#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

config::Check check_of(config::CheckKind kind, const net::Endpoint& target, std::chrono::milliseconds limit = 5s) {
  config::Check check;
  check.kind = kind;
  check.target = target;
  check.connect_timeout = limit;
  return check;
}

config::Check dns_check(const net::Endpoint& target, std::chrono::milliseconds limit = 5s) {
  auto check = check_of(config::CheckKind::dns, target, limit);
  check.dns.get() = {config::DnsType::a, "www.example"};
  return check;
}

/// The query as a reply with these flags and this rcode.
std::string answer(std::string query, unsigned char flags = 0x80, unsigned char rcode = 0) {
  query[2] = static_cast<char>(flags);
  query[3] = static_cast<char>(rcode);
  return query;
}

std::string with_record(std::string reply) {
  reply[7] = 1;
  return reply + std::string{"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16};
}

struct DatagramChecksTest : testing::Test {
  asio::io_context io;
};

TEST_F(DatagramChecksTest, AnAnsweredQueryPasses) {
  const LocalDatagrams server{io, [](const auto& query) { return std::vector{with_record(answer(query))}; }};
  const auto verdict = probe(io, dns_check(server.endpoint()));
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, fmt::format("query of www.example A to {}: answered, 1 record", server.endpoint()));
}

TEST_F(DatagramChecksTest, EachQueryHasAnIdAndAPortOfItsOwn) {
  const LocalDatagrams server{io, [](const auto& query) { return std::vector{answer(query)}; }};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(probe(io, dns_check(server.endpoint())).passed());
  std::set<std::string> ids;
  std::set<unsigned> ports;
  for (const auto& query : server.heard()) ids.insert(query.substr(0, 2));
  for (const auto& sender : server.senders()) ports.insert(sender.port());
  EXPECT_GT(ids.size(), 1U);
  EXPECT_GT(ports.size(), 1U);
}

TEST_F(DatagramChecksTest, ATruncatedAnswerIsOne) {
  const LocalDatagrams server{io, [](const auto& query) { return std::vector{answer(query, 0x82)}; }};
  EXPECT_THAT(probe(io, dns_check(server.endpoint())).reason, EndsWith(": answered, truncated"));
}

TEST_F(DatagramChecksTest, ANameThatIsNotThereIsAFailure) {
  const LocalDatagrams server{io, [](const auto& query) { return std::vector{answer(query, 0x80, 3)}; }};
  const auto verdict = probe(io, dns_check(server.endpoint()));
  EXPECT_EQ(verdict.cause, Cause::status);
  EXPECT_EQ(verdict.detail, 3);
  EXPECT_THAT(verdict.reason, EndsWith(": NXDOMAIN (no such name)"));
}

TEST_F(DatagramChecksTest, AnswersToOtherQuestionsAreNotOurs) {
  const auto other_id = [](std::string query) {
    query[0] = static_cast<char>(query[0] ^ 1);
    return answer(std::move(query));
  };
  const auto other_name = [](std::string query) {
    query[13] = 'x';
    return answer(std::move(query));
  };
  const LocalDatagrams late{io, [&](const auto& query) {
                              return std::vector{other_id(query), other_name(query), answer(query)};
                            }};
  EXPECT_TRUE(probe(io, dns_check(late.endpoint())).passed());
  const LocalDatagrams never{io, [&](const auto& query) { return std::vector{other_id(query)}; }};
  const auto verdict = probe(io, dns_check(never.endpoint(), 200ms));
  EXPECT_EQ(verdict.cause, Cause::timed_out);
  EXPECT_THAT(verdict.reason, EndsWith(": timed out after 0.2 s, with 1 replies to other questions"));
  const LocalDatagrams flood{io, [&](const auto& query) { return std::vector(150, other_id(query)); }};
  EXPECT_FALSE(probe(io, dns_check(flood.endpoint(), 1s)).passed());
}

TEST_F(DatagramChecksTest, GarbageIsNoAnswer) {
  for (const auto* text : {"", "x", "hello, I am not a name server"}) {
    const LocalDatagrams server{io, [&](const auto&) { return std::vector<std::string>{text}; }};
    EXPECT_EQ(probe(io, dns_check(server.endpoint())).cause, Cause::malformed) << text;
  }
}

TEST_F(DatagramChecksTest, ANameServerThatIsNotThereOrSaysNothing) {
  LocalDatagrams server{io, [](const auto&) { return std::vector<std::string>{}; }};
  EXPECT_THAT(probe(io, dns_check(server.endpoint(), 100ms)).reason, EndsWith(": timed out after 0.1 s"));
  const auto endpoint = server.endpoint();
  server.close();
  EXPECT_EQ(probe(io, dns_check(endpoint)).reason, fmt::format("query of www.example A to {}: refused", endpoint));
}

TEST_F(DatagramChecksTest, SilenceIsGoodUnlessAReplyIsRequired) {
  const LocalDatagrams silent{io, [](const auto&) { return std::vector<std::string>{}; }};
  auto check = check_of(config::CheckKind::udp, silent.endpoint(), 100ms);
  const auto verdict = probe(io, check);
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, fmt::format("packet to {}: not refused within 0.1 s", silent.endpoint()));
  EXPECT_EQ(silent.heard().at(0).size(), 16U);
  check.udp.get().require_reply = true;
  EXPECT_EQ(probe(io, check).reason, fmt::format("packet to {}: no reply within 0.1 s", silent.endpoint()));
}

TEST_F(DatagramChecksTest, APortThatNobodyListensOnIsAFailure) {
  LocalDatagrams server{io, [](const auto&) { return std::vector<std::string>{}; }};
  const auto endpoint = server.endpoint();
  server.close();
  const auto verdict = probe(io, check_of(config::CheckKind::udp, endpoint));
  EXPECT_EQ(verdict.cause, Cause::refused);
  EXPECT_EQ(verdict.reason, fmt::format("packet to {}: refused", endpoint));
}

TEST_F(DatagramChecksTest, AReplyIsComparedWithWhatIsWanted) {
  const LocalDatagrams echo{io, [](const auto& heard) { return std::vector{heard}; }};
  auto check = check_of(config::CheckKind::udp, echo.endpoint());
  auto& wanted = check.udp.get();
  wanted = {"616263", true, "61x263", 3, 3};
  EXPECT_TRUE(probe(io, check).passed()) << probe(io, check).reason;
  EXPECT_EQ(echo.heard().at(0), "abc");
  wanted.reply = "ff";
  EXPECT_THAT(probe(io, check).reason, EndsWith(": another reply than wanted: 616263"));
  wanted = {"616263", true, "", 4, 255};
  EXPECT_THAT(probe(io, check).reason, EndsWith(": a reply of 3 bytes, wanted 4 or more"));
  wanted = {"616263", true, "", 0, 2};
  EXPECT_THAT(probe(io, check).reason, EndsWith(": a reply of more than 2 bytes"));
}

TEST_F(DatagramChecksTest, BindtoIsWhereAPacketComesFrom) {
  const LocalDatagrams echo{io, [](const auto& heard) { return std::vector{heard}; }};
  auto check = check_of(config::CheckKind::udp, echo.endpoint());
  check.bind = net::Endpoint::parse("127.0.0.9:0").value();
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(echo.senders().at(0).address().to_string(), "127.0.0.9");
}

TEST_F(DatagramChecksTest, AnInterfaceThatIsNotHereSaysNothingOfTheServer) {
  for (const auto kind : {config::CheckKind::udp, config::CheckKind::tcp}) {
    auto check = check_of(kind, net::Endpoint::parse("127.0.0.1:9").value());
    check.bind_interface = "nosuch0";
    const auto verdict = probe(io, check);
    EXPECT_EQ(verdict.cause, Cause::cannot_probe);
    EXPECT_EQ(verdict.reason, "cannot probe: bind_if nosuch0: No such device");
    check.bind_interface = "lo";
    EXPECT_EQ(probe(io, check).cause, Cause::refused);
  }
}

struct PingCheckTest : DatagramChecksTest {
  Verdict ping(const std::string& address) {
    auto verdict = probe(io, check_of(config::CheckKind::ping, {net::IpAddress::parse(address).value(), 0}, 5s));
    return verdict;
  }
};

TEST_F(PingCheckTest, AHostThatAnswersIsUp) {
  const auto verdict = ping("127.0.0.1");
  if (verdict.cause == Cause::cannot_probe) GTEST_SKIP() << verdict.reason;
  EXPECT_EQ(verdict.reason, "ping 127.0.0.1: answered");
}

TEST_F(PingCheckTest, AHostOfIPv6AnswersToo) {
  const auto verdict = ping("::1");
  if (verdict.cause == Cause::cannot_probe || verdict.cause == Cause::unreachable) GTEST_SKIP() << verdict.reason;
  EXPECT_EQ(verdict.reason, "ping ::1: answered");
}

}  // namespace
}  // namespace ballast::checkd::test
