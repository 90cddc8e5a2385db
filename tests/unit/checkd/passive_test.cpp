#include "daemons/checkd/passive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::checkd {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pointee;

constexpr auto web = "tcp:10.0.0.100:80";
const std::string first = "10.1.0.1:80";
const std::string second = "10.1.0.2:80";
const std::string third = "10.1.0.3:80";
const std::string fourth = "10.1.0.4:80";

/// Four checked NAT servers; 5 failures, 50 %, 3 clients within 2 s take one down for 10 s, and at most two.
class Passive : public testing::Test {
 protected:
  Passive() {
    service.name = web;
    service.passive_check.emplace();
    for (const auto& server : {first, second, third, fourth}) add(server);
    watch.configure(service);
  }
  void add(const std::string& server) {
    auto& made = service.real_servers.emplace_back();
    made.endpoint = net::Endpoint::parse(server).value();
    made.checks.emplace_back();
  }
  void without_checks() {
    for (auto& server : service.real_servers) server.checks.clear();
    watch.configure(service);
  }
  void of_method(config::Method method) {
    for (auto& server : service.real_servers) server.method = method;
    watch.configure(service);
  }

  struct Seen {
    std::uint64_t answered = 0, unanswered = 0, refused = 0;
    unsigned clients = 9;
  };
  /// What happened since the last report, to some of the servers.
  PassiveWatch::Outcome see(const std::map<std::string, Seen>& interval, double now = 1000) {
    bus::ServiceTraffic traffic{web, {}};
    for (const auto& server : service.real_servers) {
      auto& total = totals[server.endpoint.to_string()];
      total.server = server.endpoint.to_string();
      total.clients = 0;
      if (const auto found = interval.find(total.server); found != interval.end()) {
        const auto& seen = found->second;
        total.opened += seen.answered + seen.unanswered + seen.refused;
        total.answered += seen.answered;
        total.unanswered += seen.unanswered;
        total.refused += seen.refused;
        total.clients = seen.clients;
      }
      traffic.servers.push_back(total);
    }
    return watch.on_traffic(
        traffic, [this](const auto& server) { return !failed.contains(server); }, now);
  }
  /// One report before anything fails.
  void begin() { EXPECT_THAT(see({}).turned, IsEmpty()); }
  bool is_down(const std::string& server) { return watch.reason(server) != nullptr; }

  config::VirtualServer service;
  PassiveWatch watch;
  std::map<std::string, bus::ServerTraffic> totals;
  std::set<std::string> failed;  ///< by probes
};

TEST_F(Passive, AServerThatAnswersNobodyIsDown) {
  begin();
  const auto outcome = see({{first, {.unanswered = 12}}, {second, {.answered = 14}}});
  EXPECT_THAT(outcome.turned, ElementsAre(first));
  EXPECT_THAT(outcome.probe, IsEmpty());
  EXPECT_THAT(watch.reason(first),
              Pointee(std::string{"12 of 12 new connections in 2 s were not answered (9 clients)"}));
  EXPECT_EQ(watch.reason(second), nullptr);
}

TEST_F(Passive, AServerThatRefusesIsDownByItsOwnWord) {
  begin();
  EXPECT_THAT(see({{first, {.answered = 2, .refused = 12}}}).turned, ElementsAre(first));
  EXPECT_THAT(watch.reason(first), Pointee(std::string{"12 of 14 new connections in 2 s were refused (9 clients)"}));
}

TEST_F(Passive, OneThatAnswersSomeIsProbedAtOnce) {
  begin();
  const auto outcome = see({{first, {.answered = 2, .unanswered = 12}}});
  EXPECT_THAT(outcome.turned, IsEmpty()) << "silence to some may be the clients' doing";
  EXPECT_THAT(outcome.probe, ElementsAre(first));
}

TEST_F(Passive, WithoutChecksTheRatioDecides) {
  without_checks();
  begin();
  EXPECT_THAT(see({{first, {.answered = 2, .unanswered = 11, .refused = 1}}}).turned, ElementsAre(first));
  EXPECT_THAT(watch.reason(first),
              Pointee(std::string{"12 of 14 new connections in 2 s were not answered or refused (9 clients)"}));
  EXPECT_THAT(see({{second, {.answered = 13, .unanswered = 12}}}).turned, IsEmpty()) << "48 %";
}

TEST_F(Passive, ThereAreFloors) {
  begin();
  EXPECT_THAT(see({{first, {.refused = 4}}}).turned, IsEmpty()) << "too few";
  EXPECT_THAT(see({{first, {.answered = 11, .refused = 10}}}).turned, IsEmpty()) << "47 %";
  EXPECT_THAT(see({{first, {.refused = 500, .clients = 2}}}).turned, IsEmpty()) << "two clients";
  EXPECT_THAT(see({{first, {.refused = 5, .clients = 3}}}).turned, ElementsAre(first));
}

TEST_F(Passive, TheFirstReportIsOnlyTheBeginning) {
  EXPECT_THAT(see({{first, {.unanswered = 1000}}}).turned, IsEmpty());
}

TEST_F(Passive, AnAnswerThatComesLateIsNoNews) {
  begin();
  see({{first, {.answered = 20, .unanswered = 4}}});
  totals[first].unanswered -= 4;
  totals[first].answered += 4;
  EXPECT_THAT(see({{first, {}}}).turned, IsEmpty());
  EXPECT_FALSE(is_down(first));
}

TEST_F(Passive, AServerThatIsCountedAnewBeginsAgain) {
  begin();
  see({{first, {.answered = 100}}});
  totals[first] = {};
  EXPECT_THAT(see({{first, {.refused = 90}}}).turned, IsEmpty());
}

TEST_F(Passive, WhatClientsCanForgeOnlyMakesTheChecksProbe) {
  for (const auto method : {config::Method::dr, config::Method::tun}) {
    of_method(method);
    begin();
    const auto outcome = see({{first, {.unanswered = 1000, .clients = 60}}});
    EXPECT_THAT(outcome.turned, IsEmpty());
    EXPECT_THAT(outcome.probe, ElementsAre(first));
  }
}

TEST_F(Passive, ServersOfEveryPortRefuseWhateverPortsClientsChoose) {
  service.real_servers[0].endpoint.port = 0;
  watch.configure(service);
  begin();
  const auto outcome = see({{"10.1.0.1:0", {.answered = 1, .refused = 1000}}});
  EXPECT_THAT(outcome.turned, IsEmpty());
  EXPECT_THAT(outcome.probe, ElementsAre("10.1.0.1:0"));
}

TEST_F(Passive, WithoutChecksAndWithoutAnswersInSightSilenceToEverybodyDecides) {
  of_method(config::Method::dr);
  without_checks();
  begin();
  const auto doubt = see({{first, {.answered = 1, .unanswered = 1000}}});
  EXPECT_THAT(doubt.turned, IsEmpty());
  EXPECT_THAT(doubt.probe, IsEmpty()) << "there is no check";
  EXPECT_THAT(see({{first, {.unanswered = 5}}}).turned, ElementsAre(first));
}

TEST_F(Passive, NotMoreThanTheConfiguredPartIsDownTheWorstFirst) {
  begin();
  const auto outcome = see({{first, {.answered = 1, .refused = 9}},
                            {second, {.refused = 9}},
                            {third, {.answered = 2, .refused = 9}},
                            {fourth, {.refused = 90}}});
  EXPECT_THAT(outcome.turned, ElementsAre(fourth, second)) << "50 % of four";
  EXPECT_THAT(outcome.probe, ElementsAre(first, third)) << "probes may say the rest";
}

TEST_F(Passive, TheLastServerThatIsUpStays) {
  service.passive_check->most_down = 99;
  watch.configure(service);
  failed = {second, third};
  begin();
  EXPECT_THAT(see({{first, {.refused = 9}}, {fourth, {.refused = 9}}}).turned, ElementsAre(first));
  EXPECT_FALSE(is_down(fourth));
}

TEST_F(Passive, AServerThatProbesSayIsDownIsNotJudged) {
  failed = {first};
  begin();
  const auto outcome = see({{first, {.refused = 90}}});
  EXPECT_THAT(outcome.turned, IsEmpty());
  EXPECT_THAT(outcome.probe, IsEmpty());
}

TEST_F(Passive, BackAfterTheHoldAndAProbeThatPasses) {
  begin();
  see({{first, {.refused = 9}}}, 1000);
  EXPECT_EQ(watch.next(), 1010);
  EXPECT_THAT(watch.on_passed(first, 1005).turned, IsEmpty()) << "too early";
  EXPECT_THAT(watch.on_time(1009).probe, IsEmpty());
  EXPECT_THAT(watch.on_time(1010).probe, ElementsAre(first)) << "its checks may be far apart";
  EXPECT_TRUE(is_down(first)) << "that probe has not passed yet";
  EXPECT_THAT(watch.on_time(1011).probe, IsEmpty()) << "asked once";
  EXPECT_EQ(watch.next(), std::nullopt);
  EXPECT_THAT(watch.on_passed(first, 1020).turned, ElementsAre(first));
  EXPECT_FALSE(is_down(first));
}

TEST_F(Passive, WhoHasNoChecksComesBackOnProbation) {
  without_checks();
  begin();
  see({{first, {.refused = 9}}}, 1000);
  EXPECT_THAT(watch.on_time(1010).turned, ElementsAre(first));
  EXPECT_THAT(watch.on_time(1011).turned, IsEmpty());
}

TEST_F(Passive, WhoFailsAgainAtOnceIsHeldTwiceAsLongUpTo16Times) {
  without_checks();
  begin();
  double now = 1000;
  for (const double hold : {10, 20, 40, 80, 160, 160}) {
    EXPECT_THAT(see({{first, {.refused = 9}}}, now).turned, ElementsAre(first));
    EXPECT_EQ(watch.next(), now + hold);
    now += hold;
    EXPECT_THAT(watch.on_time(now).turned, ElementsAre(first));
    now += hold - 1;
  }
  now += 2;
  see({{first, {.refused = 9}}}, now);
  EXPECT_EQ(watch.next(), now + 10) << "it was well for as long as it had been held";
}

TEST_F(Passive, AClockThatIsSetBackHoldsNobodyForLonger) {
  without_checks();
  begin();
  see({{first, {.refused = 9}}}, 100'000);
  EXPECT_THAT(watch.on_time(1000).turned, IsEmpty());
  EXPECT_THAT(watch.on_time(1010).turned, ElementsAre(first));
}

TEST_F(Passive, AReloadKeepsWhoIsHeldAndForgetsWhoIsGone) {
  begin();
  see({{first, {.refused = 9}}, {second, {.refused = 9}}});
  service.real_servers.erase(service.real_servers.begin());
  watch.configure(service);
  EXPECT_FALSE(is_down(first));
  EXPECT_TRUE(is_down(second));
  EXPECT_THAT(watch.on_passed(first, 2000).turned, IsEmpty());
}

TEST_F(Passive, AReportOfServersThatNobodyKnowsSaysNothing) {
  const bus::ServiceTraffic traffic{web, {{"10.9.9.9:80", 9, 0, 9, 0, 9}}};
  EXPECT_THAT(watch
                  .on_traffic(
                      traffic, [](const auto&) { return true; }, 1)
                  .turned,
              IsEmpty());
}

}  // namespace
}  // namespace ballast::checkd
