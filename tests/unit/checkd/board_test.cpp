#include "daemons/checkd/board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

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
  for (auto& each : services) result.virtual_servers.push_back(std::move(each));
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
  const auto id =
      board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
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
  const auto id =
      board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
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
  const auto id =
      board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
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

TEST(Board, WithAnyCheckOneThatPassesIsEnough) {
  auto lenient = server("10.1.0.2:80", {tcp_check("10.1.0.2:80"), tcp_check("10.1.0.2:8080")});
  lenient.any_check = true;
  Board board;
  const auto plan = board.apply(model({service(web, {lenient})}), 1);
  board.on_verdict(plan.start.at(0).id, passed, 2);
  EXPECT_THAT(board.on_verdict(plan.start.at(1).id, refused, 3).news.events, IsEmpty());
  const auto down = board.on_verdict(plan.start.at(0).id, refused, 4);
  EXPECT_FALSE(down.news.publish.at(0).up);
  EXPECT_TRUE(board.on_verdict(plan.start.at(1).id, passed, 5).news.publish.at(0).up);
}

Verdict with_weight(WeightWord::Kind kind, int value) {
  auto verdict = passed;
  verdict.weight = {kind, value};
  return verdict;
}

TEST(Board, WhatChecksSayOfTheWeightIsAddedUpAsInKeepalived) {
  using enum WeightWord::Kind;
  auto heavy = server("10.1.0.2:80", {tcp_check("10.1.0.2:1"), tcp_check("10.1.0.2:2"), tcp_check("10.1.0.2:3")});
  heavy.weight = 10;
  Board board;
  const auto plan = board.apply(model({service(web, {heavy})}), 1);
  EXPECT_EQ(plan.news.publish.at(0).weight, std::nullopt);
  const auto say = [&](std::size_t check, WeightWord::Kind kind, int value) {
    return board.on_verdict(plan.start.at(check).id, with_weight(kind, value), 2).news.publish.at(0).weight;
  };
  EXPECT_EQ(say(0, absolute, 20), 20);
  EXPECT_EQ(say(1, absolute, 5), 15) << "10, and 10 more, and 5 less";
  EXPECT_EQ(say(2, added, -3), 12);
  EXPECT_EQ(say(2, percent, 50), 7);
  EXPECT_EQ(say(2, percent, 1), 1) << "a little is not nothing";
  EXPECT_EQ(say(2, percent, 0), 0);
}

TEST(Board, AnotherWeightIsToldOnce) {
  using enum WeightWord::Kind;
  Board board;
  const auto id =
      board.apply(model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})}), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  const auto told = board.on_verdict(id, with_weight(absolute, 7), 3);
  ASSERT_THAT(told.news.events, SizeIs(1));
  EXPECT_EQ(told.news.events[0].message, "tcp:10.0.0.100:80: server 10.1.0.2:80 has weight 7 (connect: accepted)");
  EXPECT_THAT(board.on_verdict(id, with_weight(absolute, 7), 4).news.events, IsEmpty());
}

TEST(Board, ACertificateThatEndsSoonIsToldOnceADay) {
  constexpr double day = 86'400;
  auto check = tcp_check("10.1.0.2:443");
  check.kind = config::CheckKind::ssl;
  check.tls.get().expiry_warning = std::chrono::hours{24 * 3};
  Board board;
  const auto id = board.apply(model({service(tls, {server("10.1.0.2:443", {check})})}), 0).start.at(0).id;
  auto verdict = passed;
  verdict.certificate_until = 10 * day;
  const auto first = board.on_verdict(id, verdict, 0);
  EXPECT_EQ(first.news.publish.at(0).certificate_until, 10 * day);
  EXPECT_THAT(first.news.events, IsEmpty());
  const auto near = board.on_verdict(id, verdict, 7.5 * day);
  ASSERT_THAT(near.news.events, SizeIs(1));
  EXPECT_EQ(near.news.events[0].message, "tcp:10.0.0.100:443: server 10.1.0.2:443: its TLS certificate ends in 2 days");
  EXPECT_EQ(near.news.events[0].severity, "warning");
  EXPECT_THAT(board.on_verdict(id, verdict, 7.6 * day).news.events, IsEmpty());
  EXPECT_THAT(board.on_verdict(id, verdict, 8.5 * day).news.events, SizeIs(1));
  EXPECT_THAT(board.on_verdict(id, verdict, 9.5 * day).news.events.at(0).message,
              testing::EndsWith("ends within a day"));
  EXPECT_THAT(board.on_verdict(id, verdict, 11 * day).news.events.at(0).message, testing::EndsWith("has ended"));
  verdict.certificate_until = 400 * day;
  EXPECT_THAT(board.on_verdict(id, verdict, 11.1 * day).news.events, IsEmpty()) << "a new one";
}

TEST(Board, FailuresThatDoNotCountYetAreLoggedWhereThatIsAskedFor) {
  for (const bool asked : {false, true}) {
    auto check = tcp_check("10.1.0.2:80");
    check.retry = 2;
    check.log_all = asked;
    Board board;
    const auto id = board.apply(model({service(web, {server("10.1.0.2:80", {check})})}), 1).start.at(0).id;
    const auto lines = board.on_verdict(id, refused, 2).news.log;
    if (asked)
      EXPECT_THAT(lines, ElementsAre("tcp:10.0.0.100:80: server 10.1.0.2:80: failure 1 in a row, not down yet "
                                     "(connect: refused)"));
    else
      EXPECT_THAT(lines, IsEmpty());
  }
}

TEST(Board, ASuspendedServiceIsNotProbedAndKeepsWhatIsKnownOfItsServers) {
  const auto same = model({service(web, {server("10.1.0.2:80", {tcp_check("10.1.0.2:80")})})});
  Board board;
  const auto id = board.apply(same, 1).start.at(0).id;
  board.on_verdict(id, refused, 2);
  const auto suspended = board.apply(same, 3, {web});
  EXPECT_THAT(suspended.stop, ElementsAre(id));
  EXPECT_THAT(suspended.news.events, IsEmpty());
  EXPECT_FALSE(suspended.news.publish.at(0).up);
  EXPECT_EQ(suspended.news.publish.at(0).reason, "not probed: the VIP is not on this machine");
  const auto again = board.apply(same, 4);
  ASSERT_THAT(again.start, SizeIs(1));
  EXPECT_THAT(again.news.events, IsEmpty());
  EXPECT_THAT(board.on_verdict(again.start[0].id, passed, 5).news.events, SizeIs(1));
}

TEST(Board, ASharedProbeGoesOnForTheServiceThatIsNotSuspended) {
  const auto check = tcp_check("10.1.0.2:80");
  const auto both =
      model({service(web, {server("10.1.0.2:80", {check})}), service(tls, {server("10.1.0.2:443", {check})})});
  Board board;
  board.apply(both, 1);
  EXPECT_THAT(board.apply(both, 2, {web}).stop, IsEmpty());
}

bus::ServiceTraffic traffic(std::uint64_t answered, std::uint64_t unanswered, std::uint64_t reset) {
  return {web, {{"10.1.0.2:80", answered + unanswered + reset, answered, unanswered, reset, 9}}};
}

/// Two checked NAT servers whose service has passive_check with its defaults.
config::Model watched(config::Duration delay_loop = 60s) {
  auto check = tcp_check("10.1.0.2:80", delay_loop);
  check.retry = 3;
  auto made = service(web, {server("10.1.0.2:80", {check}), server("10.1.0.3:80", {tcp_check("10.1.0.3:80")})});
  made.passive_check.emplace();
  return model({made});
}

TEST(Board, WhatTheDataPathSeesTakesAServerOutUntilItsHoldIsOverAndAProbePasses) {
  Board board;
  const auto id = board.apply(watched(), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  EXPECT_THAT(board.on_traffic(traffic(5, 0, 0), 10).news.publish, IsEmpty());
  const auto down = board.on_traffic(traffic(5, 0, 9), 12);
  ASSERT_THAT(down.news.publish, SizeIs(1));
  EXPECT_FALSE(down.news.publish[0].up);
  EXPECT_TRUE(down.news.publish[0].passive);
  EXPECT_EQ(down.news.publish[0].since, 12);
  ASSERT_THAT(down.news.events, SizeIs(1));
  EXPECT_EQ(down.news.events[0].message,
            "tcp:10.0.0.100:80: server 10.1.0.2:80 down (9 of 9 new connections in 2 s were refused (9 clients))");
  EXPECT_THAT(board.on_verdict(id, passed, 15).news.publish, IsEmpty()) << "too early";
  EXPECT_EQ(board.next_hold(), 22);
  EXPECT_THAT(board.on_hold_end(22).probe, ElementsAre(id));
  const auto back = board.on_verdict(id, passed, 23);
  ASSERT_THAT(back.news.publish, SizeIs(1));
  EXPECT_TRUE(back.news.publish[0].up);
  EXPECT_FALSE(back.news.publish[0].passive);
  EXPECT_EQ(back.news.publish[0].reason, "connect: accepted");
  EXPECT_THAT(back.news.events, SizeIs(1));
  EXPECT_EQ(board.next_hold(), std::nullopt);
}

TEST(Board, ADoubtMakesTheChecksProbeAndTheirFailureCountAtOnce) {
  Board board;
  const auto id = board.apply(watched(), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  board.on_traffic(traffic(0, 0, 0), 10);
  const auto doubt = board.on_traffic(traffic(1, 9, 0), 12);
  EXPECT_THAT(doubt.news.publish, IsEmpty());
  EXPECT_THAT(doubt.probe, ElementsAre(id));
  const auto down = board.on_verdict(id, refused, 13);
  ASSERT_THAT(down.news.publish, SizeIs(1));
  EXPECT_FALSE(down.news.publish[0].up);
  EXPECT_FALSE(down.news.publish[0].passive) << "a probe said it";
}

TEST(Board, AProbeThatFailsMeanwhileIsTheReasonThatIsTold) {
  Board board;
  const auto id = board.apply(watched(), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  board.on_traffic(traffic(0, 0, 0), 10);
  board.on_traffic(traffic(0, 9, 0), 12);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(board.on_verdict(id, refused, 13).news.publish, IsEmpty());
  const auto told = board.on_verdict(id, refused, 14);
  ASSERT_THAT(told.news.publish, SizeIs(1));
  EXPECT_EQ(told.news.publish[0].reason, "connect: refused");
  EXPECT_FALSE(told.news.publish[0].passive);
  EXPECT_THAT(told.news.events, IsEmpty()) << "down already";
  EXPECT_TRUE(board.on_verdict(id, passed, 30).news.publish.at(0).up) << "the hold is over as well";
}

TEST(Board, WithoutPassiveCheckReportsAreNothingAndAReloadThatTakesItAwayBringsTheServerBack) {
  Board board;
  const auto id = board.apply(watched(), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  board.on_traffic(traffic(0, 0, 0), 10);
  board.on_traffic(traffic(0, 0, 9), 12);
  auto without = watched();
  without.virtual_servers[0].passive_check.reset();
  const auto plan = board.apply(without, 13);
  ASSERT_THAT(plan.news.publish, SizeIs(1));
  EXPECT_TRUE(plan.news.publish[0].up);
  EXPECT_THAT(board.on_traffic(traffic(0, 0, 18), 14).news.publish, IsEmpty());
}

TEST(Board, AReloadKeepsWhoIsHeldAndANewCheckDoesNotTakeThatForItsOwn) {
  Board board;
  const auto id = board.apply(watched(), 1).start.at(0).id;
  board.on_verdict(id, passed, 2);
  board.on_traffic(traffic(0, 0, 0), 10);
  board.on_traffic(traffic(0, 0, 9), 12);
  const auto plan = board.apply(watched(1s), 13);
  ASSERT_THAT(plan.start, SizeIs(1));
  EXPECT_TRUE(board.on_verdict(plan.start[0].id, passed, 30).news.publish.at(0).up);
}

/// Services come, go, change, share checks and are suspended in any order.
TEST(Board, AfterAnyChangesTheChecksOfTheConfigurationRunAndNoOthers) {
  std::mt19937 random{11};
  const auto draw = [&](int most) { return std::uniform_int_distribution{1, most}(random); };
  Board board;
  std::map<CheckId, config::Check> running;
  std::set<ServerKey> servers;
  for (int round = 0; round < 400; ++round) {
    std::vector<config::VirtualServer> services;
    std::vector<config::Check> wanted;
    std::set<ServerKey> wanted_servers;
    Suspended suspended;
    for (int number = 1; number <= 4; ++number) {
      if (draw(4) == 1) continue;
      auto made = service(fmt::format("tcp:10.0.0.{}:80", number), {});
      if (draw(5) == 1) suspended.insert(made.name);
      for (int place = 1; place <= draw(3); ++place) {
        const auto check = tcp_check(fmt::format("10.1.0.{}:80", draw(4)), std::chrono::seconds{draw(2)});
        made.real_servers.push_back(server(fmt::format("10.1.0.{}:80", place), {check}));
        wanted_servers.insert({made.name, fmt::format("10.1.0.{}:80", place)});
        const bool counts = !suspended.contains(made.name);
        if (counts && std::ranges::find(wanted, check) == wanted.end()) wanted.push_back(check);
      }
      services.push_back(std::move(made));
    }
    const auto plan = board.apply(model(std::move(services)), round, suspended);
    for (const auto id : plan.stop) ASSERT_EQ(running.erase(id), 1U) << "round " << round;
    for (const auto& started : plan.start) ASSERT_TRUE(running.emplace(started.id, started.check).second);
    for (const auto& key : plan.withdraw) ASSERT_EQ(servers.erase(key), 1U) << "round " << round;
    for (const auto& health : plan.news.publish) servers.insert({health.service, health.server});
    ASSERT_EQ(running.size(), wanted.size()) << "round " << round;
    for (const auto& [id, check] : running) {
      ASSERT_NE(std::ranges::find(wanted, check), wanted.end()) << "round " << round;
      if (draw(2) == 1) board.on_verdict(id, draw(2) == 1 ? passed : refused, round);
    }
    ASSERT_EQ(servers, wanted_servers) << "round " << round;
  }
}

}  // namespace
}  // namespace ballast::checkd
