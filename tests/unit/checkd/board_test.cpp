#include "daemons/checkd/board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::checkd {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Verdict passed{Cause::passed, 0, "connect: accepted", 1500us};
const Verdict refused{Cause::refused, 0, "connect: refused", 200us};

config::Check tcp_check(const std::string& target, config::Duration delay_loop = 1s) {
  config::Check check;
  check.target = net::Endpoint::parse(target).value();
  check.delay_loop = delay_loop;
  check.retry = 0;
  return check;
}

config::RealServer server(const std::string& endpoint, std::vector<config::Check> checks) {
  config::RealServer result;
  result.endpoint = net::Endpoint::parse(endpoint).value();
  result.checks = std::move(checks);
  return result;
}

config::VirtualServer service(const std::string& name, std::vector<config::RealServer> servers) {
  config::VirtualServer result;
  result.name = name;
  result.real_servers = std::move(servers);
  return result;
}

config::Model model(std::vector<config::VirtualServer> services) {
  config::Model result;
  result.virtual_servers = std::move(services);
  return result;
}

const std::string web = "tcp:10.0.0.100:80";
const std::string tls = "tcp:10.0.0.100:443";

TEST(Board, AServerWithoutChecksIsUpAndSaysSo) {
  Board board;
  const auto plan = board.apply(model({service(web, {server("10.1.0.2:80", {})})}), 1000);
  EXPECT_THAT(plan.start, IsEmpty());
  ASSERT_THAT(plan.news.publish, SizeIs(1));
  const auto& health = plan.news.publish[0];
  EXPECT_EQ(health.service, web);
  EXPECT_EQ(health.server, "10.1.0.2:80");
  EXPECT_TRUE(health.up);
  EXPECT_EQ(health.reason, "no check configured");
  EXPECT_EQ(health.since, 1000);
  EXPECT_EQ(health.checks, 0U);
}

TEST(Board, AServerStartsUpUnlessAlpha) {
  auto careful = tcp_check("10.1.0.3:80");
  careful.alpha = true;
  Board board;
  const auto plan = board.apply(
      model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")}), server("10.1.0.3:80", {careful})})}), 1);
  ASSERT_THAT(plan.news.publish, SizeIs(2));
  EXPECT_TRUE(plan.news.publish[0].up);
  EXPECT_EQ(plan.news.publish[0].reason, "not probed yet");
  EXPECT_FALSE(plan.news.publish[1].up);
  EXPECT_EQ(plan.news.publish[1].reason, "waiting for the first success");
  EXPECT_THAT(plan.news.events, IsEmpty());
}

TEST(Board, DownAndUpAreToldWithTheReason) {
  Board board;
  const auto id = board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  const auto down = board.on_verdict(id, refused, 10);
  EXPECT_EQ(down.wait, 1s);
  ASSERT_THAT(down.news.publish, SizeIs(1));
  EXPECT_FALSE(down.news.publish[0].up);
  EXPECT_EQ(down.news.publish[0].since, 10);
  EXPECT_EQ(down.news.publish[0].took_ms, 0.2);
  ASSERT_THAT(down.news.events, SizeIs(1));
  EXPECT_EQ(down.news.events[0].message, "tcp:10.0.0.100:80: server 10.1.0.2:80 down (connect: refused)");
  EXPECT_EQ(down.news.events[0].severity, "warning");
  EXPECT_EQ(down.news.events[0].kind, "health");
  const auto up = board.on_verdict(id, passed, 20);
  ASSERT_THAT(up.news.events, SizeIs(1));
  EXPECT_EQ(up.news.events[0].message, "tcp:10.0.0.100:80: server 10.1.0.2:80 up (connect: accepted)");
}

TEST(Board, NothingIsPublishedWhileNothingChanges) {
  Board board;
  const auto id = board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
  EXPECT_THAT(board.on_verdict(id, passed, 2).news.publish, SizeIs(1)) << "not probed yet -> accepted";
  for (int i = 0; i < 100; ++i) EXPECT_THAT(board.on_verdict(id, passed, 3 + i).news.publish, IsEmpty());
}

TEST(Board, AllChecksOfAServerMustPass) {
  Board board;
  const auto plan = board.apply(
      model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80"), tcp_check("10.1.0.2:8080")})})}), 1);
  ASSERT_THAT(plan.start, SizeIs(2));
  EXPECT_EQ(plan.news.publish.at(0).checks, 2U);
  board.on_verdict(plan.start[0].id, passed, 2);
  EXPECT_FALSE(board.on_verdict(plan.start[1].id, refused, 3).news.publish.at(0).up);
  EXPECT_THAT(board.on_verdict(plan.start[0].id, refused, 4).news.events, IsEmpty()) << "down already";
  EXPECT_THAT(board.on_verdict(plan.start[1].id, passed, 5).news.events, IsEmpty()) << "the other is still down";
  EXPECT_TRUE(board.on_verdict(plan.start[0].id, passed, 6).news.publish.at(0).up);
}

TEST(Board, OneProbeServesAllServicesWithTheSameCheck) {
  Board board;
  const auto both = model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})}),
                           service(tls, {server("10.1.0.2:443", {tcp_check("10.1.0.2:80")})})});
  const auto plan = board.apply(both, 1);
  ASSERT_THAT(plan.start, SizeIs(1));
  const auto down = board.on_verdict(plan.start[0].id, refused, 2);
  ASSERT_THAT(down.news.publish, SizeIs(2));
  EXPECT_EQ(down.news.publish[0].service, web);
  EXPECT_EQ(down.news.publish[1].service, tls);
  EXPECT_THAT(down.news.events, SizeIs(2));
}

TEST(Board, AReloadOfTheSameTouchesNothing) {
  Board board;
  const auto same = model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})});
  const auto id = board.apply(same, 1).start.at(0).id;
  board.on_verdict(id, refused, 2);
  const auto plan = board.apply(same, 3);
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.stop, IsEmpty());
  EXPECT_THAT(plan.withdraw, IsEmpty());
  EXPECT_THAT(plan.news.publish, IsEmpty());
}

TEST(Board, AChangedCheckStartsAnewAndTheServerKeepsItsState) {
  for (const bool was_up : {true, false}) {
    Board board;
    const auto before = model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})});
    const auto old = board.apply(before, 1).start.at(0).id;
    board.on_verdict(old, was_up ? passed : refused, 2);
    auto changed = tcp_check("10.1.0.2:80", 5s);
    changed.alpha = true;  // is for servers that are new
    const auto plan = board.apply(model({service(web, {server("10.1.0.2:80", {changed})})}), 3);
    EXPECT_THAT(plan.stop, ElementsAre(old));
    ASSERT_THAT(plan.start, SizeIs(1));
    EXPECT_NE(plan.start[0].id, old);
    EXPECT_THAT(plan.news.events, IsEmpty()) << "no flap";
    const auto after = board.on_verdict(plan.start[0].id, was_up ? refused : passed, 4);
    ASSERT_THAT(after.news.events, SizeIs(1));
    EXPECT_EQ(after.news.publish.at(0).up, !was_up);
  }
}

TEST(Board, ANewCheckBesideOneThatIsDownStartsUp) {
  Board board;
  const auto bad = tcp_check("10.1.0.2:80");
  const auto first = board.apply(model({service(web, {server("10.1.0.2:80", {bad})})}), 1).start.at(0).id;
  board.on_verdict(first, refused, 2);
  board.apply(model({service(web, {server("10.1.0.2:80", {bad, tcp_check("10.1.0.2:8080")})})}), 3);
  EXPECT_TRUE(board.on_verdict(first, passed, 4).news.publish.at(0).up);
}

TEST(Board, WhatIsRemovedIsStoppedAndWithdrawn) {
  Board board;
  const auto kept = server("10.1.0.2:80", {tcp_check("10.1.0.2:80")});
  const auto gone = server("10.1.0.3:80", {tcp_check("10.1.0.3:80")});
  const auto first = board.apply(model({service(web, {kept, gone})}), 1);
  const auto plan = board.apply(model({service(web, {kept})}), 2);
  EXPECT_THAT(plan.stop, ElementsAre(first.start.at(1).id));
  EXPECT_THAT(plan.withdraw, ElementsAre(ServerKey{web, "10.1.0.3:80"}));
}

TEST(Board, AServerWhoseFailingCheckIsTakenAwayComesUp) {
  Board board;
  const auto id = board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
  board.on_verdict(id, refused, 2);
  const auto plan = board.apply(model({service(web, {server("10.1.0.2:80", {})})}), 3);
  ASSERT_THAT(plan.news.events, SizeIs(1));
  EXPECT_EQ(plan.news.events[0].message, "tcp:10.0.0.100:80: server 10.1.0.2:80 up (no check configured)");
}

TEST(Board, AServiceThatJoinsASharedCheckHasItsStateAtOnce) {
  Board board;
  const auto check = tcp_check("10.1.0.2:80");
  const auto one = service(web, {server("10.1.0.2:80", {check})});
  const auto id = board.apply(model({one}), 1).start.at(0).id;
  board.on_verdict(id, refused, 2);
  const auto plan = board.apply(model({one, service(tls, {server("10.1.0.2:443", {check})})}), 3);
  EXPECT_THAT(plan.start, IsEmpty());
  ASSERT_THAT(plan.news.publish, SizeIs(1));
  EXPECT_EQ(plan.news.publish[0].service, tls);
  EXPECT_FALSE(plan.news.publish[0].up);
}

}  // namespace
}  // namespace ballast::checkd
