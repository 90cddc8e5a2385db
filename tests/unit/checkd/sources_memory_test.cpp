#include "daemons/checkd/sources/source_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemons/checkd/sources/server_line.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using config::FoundServer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

FoundServer server(std::string_view text) { return parse_server(text, 80).value(); }
Found found(std::initializer_list<std::string_view> texts) {
  Found result;
  for (const auto text : texts) result.servers.push_back(server(text));
  return result;
}

struct SourceMemoryTest : testing::Test {
  SourceMemory::Now at(std::chrono::milliseconds time) const {
    return {runtime::TimePoint{1h + time}, 1e9 + static_cast<double>(time.count()) / 1e3};
  }
  static config::SourceQuery query() {
    config::SourceQuery made;
    made.kind = config::SourceKind::dns_srv;
    made.name = "_http._tcp.example.com";
    made.most = 4;
    return made;
  }
  std::vector<std::string> addresses() const {
    std::vector<std::string> result;
    for (const auto& each : memory.state().servers) result.push_back(each.endpoint.to_string());
    return result;
  }
  SourceMemory memory{"tcp:10.0.0.100:80", 0, query(), {true, false}};
};

TEST_F(SourceMemoryTest, WhatIsFoundIsToldWithWhatIsNewAndGone) {
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: not looked up yet");
  EXPECT_FALSE(memory.state().good);
  auto step = memory.on_found(found({"10.0.0.2", "10.0.0.1"}), at(0s));
  EXPECT_TRUE(step.publish);
  ASSERT_THAT(step.events, SizeIs(1));
  EXPECT_EQ(step.events[0].message, "tcp:10.0.0.100:80: SRV _http._tcp.example.com: + 10.0.0.1:80, + 10.0.0.2:80");
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: 2 servers");
  EXPECT_TRUE(memory.state().good);

  step = memory.on_found(found({"10.0.0.1 weight 3", "10.0.0.4"}), at(1s));
  ASSERT_THAT(step.events, SizeIs(1));
  EXPECT_THAT(step.events[0].message, HasSubstr(": + 10.0.0.4:80, - 10.0.0.2:80, 10.0.0.1:80 weight default -> 3"));
  EXPECT_EQ(memory.state().since, 1e9 + 1);
}

TEST_F(SourceMemoryTest, TheSameListInAnotherOrderIsNoNews) {
  memory.on_found(found({"10.0.0.1", "10.0.0.2"}), at(0s));
  const auto step = memory.on_found(found({"10.0.0.2", "10.0.0.1", "10.0.0.2"}), at(1s));
  EXPECT_FALSE(step.publish);
  EXPECT_THAT(step.events, IsEmpty());
}

TEST_F(SourceMemoryTest, AFailureKeepsTheServersAndIsToldOnce) {
  memory.on_found(found({"10.0.0.1", "10.0.0.2", "10.0.0.3"}), at(0s));
  auto step = memory.on_failure("NXDOMAIN", at(1s));
  ASSERT_THAT(step.events, SizeIs(1));
  EXPECT_EQ(step.events[0].severity, "warning");
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: NXDOMAIN: the last 3 servers are kept");
  EXPECT_FALSE(memory.state().good);
  EXPECT_THAT(memory.state().servers, SizeIs(3));

  step = memory.on_failure("NXDOMAIN", at(2s));
  EXPECT_FALSE(step.publish);
  EXPECT_THAT(step.events, IsEmpty());
  step = memory.on_failure("timed out", at(3s));
  EXPECT_TRUE(step.publish) << "another reason";
  EXPECT_THAT(step.events, IsEmpty());

  step = memory.on_found(found({"10.0.0.1", "10.0.0.2", "10.0.0.3"}), at(4s));
  ASSERT_THAT(step.events, SizeIs(1));
  EXPECT_THAT(step.events[0].message, testing::EndsWith(": 3 servers again"));
}

TEST_F(SourceMemoryTest, AnEmptyListNeverEmpties) {
  memory.on_found(found({"10.0.0.1"}), at(0s));
  memory.on_found({}, at(1s));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: no servers: the last server is kept");
  EXPECT_FALSE(memory.state().good);
}

TEST_F(SourceMemoryTest, AFirstLookUpThatFailsSaysThatNothingIsKnown) {
  const auto step = memory.on_failure("SERVFAIL", at(0s));
  EXPECT_THAT(step.events, SizeIs(1));
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: SERVFAIL: no servers are known yet");
}

TEST_F(SourceMemoryTest, MoreThanMostAreLeftOutAndThatIsSaid) {
  memory.on_found(found({"10.0.0.5", "10.0.0.1", "10.0.0.3", "10.0.0.2", "10.0.0.6", "10.0.0.4"}), at(0s));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"));
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: 4 servers (2 more than 4: left out)");
}

TEST_F(SourceMemoryTest, WhatCanBeNoServerIsLeftOut) {
  memory.on_found(found({"10.0.0.1", "2001:db8::1", "0.0.0.0", "224.0.0.1"}), at(0s));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(memory.state().reason,
            "SRV _http._tcp.example.com: 1 server (2001:db8::1 is IPv6, the service is IPv4 (3 such): left out)");
  memory.on_found(found({"2001:db8::1"}), at(1s));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(memory.state().reason, HasSubstr("no servers (2001:db8::1 is IPv6"));
}

TEST_F(SourceMemoryTest, AListThatChangesAllTheTimeIsFollowedNowAndThen) {
  unsigned changes = 0;
  std::optional<config::Duration> again;
  for (int i = 0; i < 100; ++i) {
    const auto step = memory.on_found(found({i % 2 == 0 ? "10.0.0.1" : "10.0.0.2"}), at(i * 10ms));
    changes += static_cast<unsigned>(step.events.size());
    if (step.again) again = step.again;
  }
  EXPECT_EQ(changes, 5U);
  ASSERT_TRUE(again);
  EXPECT_LE(*again, 5s);
  EXPECT_THAT(memory.state().reason, HasSubstr("changes too often: followed every 5 s"));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.1:80"));

  auto step = memory.on_time(at(1s));
  EXPECT_TRUE(step.again) << "not yet";
  step = memory.on_time(at(6s));
  EXPECT_FALSE(step.again);
  EXPECT_THAT(step.events, SizeIs(1));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.2:80"));
  EXPECT_EQ(memory.state().reason, "SRV _http._tcp.example.com: 1 server");
  EXPECT_FALSE(memory.on_time(at(20s)).publish) << "nothing waits";
}

TEST_F(SourceMemoryTest, AListThatWaitsIsForgottenWhenTheOldOneIsBack) {
  for (int i = 0; i < 6; ++i) memory.on_found(found({i % 2 == 0 ? "10.0.0.1" : "10.0.0.2"}), at(i * 10ms));
  memory.on_found(found({"10.0.0.1"}), at(100ms));
  EXPECT_FALSE(memory.on_time(at(10s)).publish);
}

TEST_F(SourceMemoryTest, ASourceThatFailsNowAndThenIsNotToldForEver) {
  memory.on_found(found({"10.0.0.1"}), at(0s));
  std::size_t events = 0;
  for (int i = 0; i < 100; ++i) {
    events += memory.on_failure("SERVFAIL", at(i * 20ms)).events.size();
    events += memory.on_found(found({"10.0.0.1"}), at(i * 20ms + 10ms)).events.size();
  }
  EXPECT_LE(events, 10U);
  EXPECT_TRUE(memory.state().good);
}

TEST_F(SourceMemoryTest, WhatAnEarlierProcessFoundIsKept) {
  auto kept = memory.state();
  kept.servers = {server("10.0.0.9")};
  memory.recall(kept);
  EXPECT_THAT(memory.state().reason, HasSubstr("1 server as of before"));
  memory.on_failure("timed out", at(0s));
  EXPECT_THAT(addresses(), testing::ElementsAre("10.0.0.9:80"));
}

TEST(FamiliesOf, AreThoseOfTheServiceUnlessItsMethodTranslates) {
  config::VirtualServer service;
  service.endpoints = {net::Endpoint::parse("10.0.0.1:80").value()};
  EXPECT_EQ(families_of(service), (Families{true, false}));
  service.method = config::Method::tun;
  EXPECT_EQ(families_of(service), (Families{true, true}));
  service.method = config::Method::dr;
  service.endpoints = {net::Endpoint::parse("[2001:db8::1]:80").value()};
  EXPECT_EQ(families_of(service), (Families{false, true}));
  service.method = config::Method::fnat;
  EXPECT_EQ(families_of(service), (Families{true, true})) << "FNAT translates from IPv6 to IPv4";
}

TEST(TrustedFor, IsTheTtlWithinTheIntervalAndAnHour) {
  EXPECT_EQ(trusted_for(30s, 1s), 30s);
  EXPECT_EQ(trusted_for(0s, 1s), 1s);
  EXPECT_EQ(trusted_for(2'147'483'647s, 1s), 1h);
  EXPECT_EQ(trusted_for(5s, 2h), 2h);
}

TEST(Backoff, DoublesToItsBoundAndBeginsAnew) {
  Backoff backoff{1s, 5s};
  EXPECT_EQ(backoff.next(), 1s);
  EXPECT_EQ(backoff.next(), 2s);
  EXPECT_EQ(backoff.next(), 4s);
  EXPECT_EQ(backoff.next(), 5s);
  EXPECT_EQ(backoff.next(), 5s);
  backoff.reset();
  EXPECT_EQ(backoff.next(), 1s);
}

TEST(ServerLine, IsAnAddressAPortAndAWeight) {
  EXPECT_EQ(server("10.0.0.1"), (FoundServer{net::Endpoint::parse("10.0.0.1:80").value(), std::nullopt}));
  EXPECT_EQ(server("10.0.0.1:8080  weight 5"), (FoundServer{net::Endpoint::parse("10.0.0.1:8080").value(), 5}));
  EXPECT_EQ(server("2001:db8::1").endpoint.to_string(), "[2001:db8::1]:80");
  EXPECT_EQ(server("[2001:db8::1]").endpoint.to_string(), "[2001:db8::1]:80");
  EXPECT_EQ(server("[2001:db8::1]:443 weight 0").endpoint.to_string(), "[2001:db8::1]:443");
}

TEST(ServerLine, WhatIsWrongIsNamed) {
  const auto error = [](std::string_view text) { return parse_server(text, 80).error().message; };
  EXPECT_EQ(error(""), "no address, expected ADDRESS[:PORT] [weight N]");
  EXPECT_EQ(error("10.0.0.300"), "'10.0.0.300' is not an IPv4 or IPv6 address");
  EXPECT_EQ(error("10.0.0.1:0"), "'0' is not a port (1 to 65535)");
  EXPECT_EQ(error("10.0.0.1:70000"), "'70000' is not a port (1 to 65535)");
  EXPECT_EQ(error("10.0.0.1 80"), "'80' is unexpected: ADDRESS[:PORT] [weight N]");
  EXPECT_EQ(error("10.0.0.1 weight"), "'' is not a weight (0 to 65535)");
  EXPECT_EQ(error("10.0.0.1 weight 1 2"), "'2' is unexpected at the end");
  EXPECT_EQ(error("[2001:db8::1"), "'[2001:db8::1' has no ]");
  EXPECT_EQ(error("\x01\xff"),
            "'?"
            "?' is not an IPv4 or IPv6 address")
      << "what is shown is text";
}

TEST(ServerList, CommentsAndEmptyLinesAreNone) {
  const auto list = parse_server_list("# all\n\n10.0.0.1:81 weight 2 # the first\r\n  10.0.0.2\n", "/s", 80);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(*list, testing::ElementsAre(server("10.0.0.1:81 weight 2"), server("10.0.0.2")));
}

TEST(ServerList, AFaultyLineRefusesTheWholeAndIsNamed) {
  EXPECT_EQ(parse_server_list("10.0.0.1\n\nweb3\n", "/etc/servers", 80).error().message,
            "/etc/servers:3: 'web3' is not an IPv4 or IPv6 address");
  EXPECT_EQ(parse_server_list(std::string(300, '1'), "/s", 80).error().message, "/s:1: a line of 300 bytes");
}

}  // namespace
}  // namespace ballast::checkd::test
