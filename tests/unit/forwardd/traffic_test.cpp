#include "daemons/forwardd/traffic.hpp"

#include <gmock/gmock.h>

namespace ballast::forwardd {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto web = "tcp:203.0.113.10:80";

config::Model model(std::optional<config::PassiveCheck> check = config::PassiveCheck{}) {
  config::Model made;
  auto& service = made.virtual_servers.emplace_back();
  service.name = web;
  service.passive_check = check;
  return made;
}

std::vector<bus::ServerTraffic> counts(std::uint64_t answered, std::uint64_t unanswered, std::uint64_t refused = 0,
                                       unsigned clients = 0) {
  return {{"10.0.0.1:80", answered + unanswered + refused, answered, unanswered, refused, clients}};
}

TEST(TrafficReports, AnIntervalOfItsOwnForEachServiceThatAsksForIt) {
  TrafficReports reports;
  reports.apply(model(std::nullopt), 10);
  EXPECT_EQ(reports.next(), std::nullopt);
  reports.apply(model(), 10);
  EXPECT_EQ(reports.next(), 12);
  EXPECT_THAT(reports.due(11.9), IsEmpty());
  EXPECT_THAT(reports.due(12.5), ElementsAre(web));
  EXPECT_EQ(reports.next(), 14.5);
}

TEST(TrafficReports, UdpHasNoHandshakeToSee) {
  auto udp = model();
  udp.virtual_servers[0].protocol = config::Protocol::udp;
  TrafficReports reports;
  reports.apply(udp, 10);
  EXPECT_EQ(reports.next(), std::nullopt);
}

TEST(TrafficReports, NothingIsToldWhileNothingFails) {
  TrafficReports reports;
  reports.apply(model(), 10);
  EXPECT_THAT(reports.take(web, counts(5, 9)), IsEmpty()) << "when those failed nobody knows";
  EXPECT_THAT(reports.take(web, counts(7, 9)), IsEmpty());
  EXPECT_THAT(reports.take(web, counts(9, 8)), IsEmpty()) << "one was answered late";
}

TEST(TrafficReports, WhereSomethingFailsTheIntervalIsToldWithItsBeginning) {
  TrafficReports reports;
  reports.apply(model(), 10);
  reports.take(web, counts(100, 0, 0, 9));
  const auto told = reports.take(web, counts(101, 5, 0, 3));
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].service, web);
  EXPECT_EQ(told[0].servers[0].answered, 100U);
  EXPECT_EQ(told[0].servers[0].clients, 0U);
  EXPECT_EQ(told[1].servers[0].unanswered, 5U);
  EXPECT_EQ(told[1].servers[0].clients, 3U);
  EXPECT_THAT(reports.take(web, counts(101, 5, 2)), SizeIs(1)) << "its beginning is known";
  EXPECT_THAT(reports.take(web, counts(102, 5, 2)), IsEmpty());
  EXPECT_THAT(reports.take(web, counts(102, 6, 2)), SizeIs(2));
}

TEST(TrafficReports, AServerThatIsNewHasNoPast) {
  TrafficReports reports;
  reports.apply(model(), 10);
  reports.take(web, {});
  EXPECT_THAT(reports.take(web, counts(0, 7)), IsEmpty());
}

TEST(TrafficReports, WhatIsToldNoMoreIsNamed) {
  TrafficReports reports;
  reports.apply(model(), 10);
  EXPECT_THAT(reports.apply(model(std::nullopt), 11), IsEmpty()) << "it was never told";
  reports.apply(model(), 12);
  reports.take(web, counts(0, 0));
  reports.take(web, counts(0, 1));
  EXPECT_THAT(reports.apply(model(), 13), IsEmpty());
  EXPECT_THAT(reports.apply({}, 14), ElementsAre(web));
  EXPECT_THAT(reports.take(web, counts(0, 2)), IsEmpty());
}

TEST(TrafficReports, AReloadChangesNoIntervalThatIsRunning) {
  TrafficReports reports;
  reports.apply(model(), 10);
  reports.apply(model(), 11);
  EXPECT_EQ(reports.next(), 12);
  reports.apply(model(config::PassiveCheck{.interval = 5s}), 11);
  EXPECT_EQ(reports.next(), 16);
}

}  // namespace
}  // namespace ballast::forwardd
