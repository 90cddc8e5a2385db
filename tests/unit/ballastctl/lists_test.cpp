#include "tools/ballastctl/lists.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace ballast::ctl {
namespace {

constexpr double now = 1'800'000'000;

std::vector<bus::ServerHealth> healths() {
  return {
      {"tcp:10.0.0.100:443", "10.1.0.2:443", true, now - 3600, 0, "no check configured", 0},
      {"tcp:10.0.0.100:80", "10.1.0.2:80", true, now - 3600, 1.234, "GET /health: status 200", 1},
      {"tcp:10.0.0.100:80", "10.1.0.3:80", false, now - 5, 1000.2, "connect to 10.1.0.3:80: timed out after 1 s", 2}};
}

TEST(Health, NamesEveryServerWithItsReason) {
  const bus::ServerWord drained{{"tcp:10.0.0.100:80", "10.1.0.2:80", bus::AdminState::drain, "root", now - 60}, 0};
  EXPECT_EQ(render_health(healths(), {drained}, now, false),
            "  SERVER        HEALTH  FOR  PROBE TOOK  REASON\n"
            " tcp:10.0.0.100:443\n"
            "  10.1.0.2:443  up      1 h           -  no check configured\n"
            " tcp:10.0.0.100:80\n"
            "  10.1.0.2:80   up      1 h      1.2 ms  GET /health: status 200; drained by root 1 min ago\n"
            "  10.1.0.3:80   down    5 s   1000.2 ms  connect to 10.1.0.3:80: timed out after 1 s\n");
  const auto json = health_json(healths(), {drained});
  EXPECT_FALSE(json[0].contains("admin"));
  EXPECT_EQ(json[1]["admin"]["by"], "root");
  EXPECT_EQ(render_health({}, {}, now, false), "no real server\n");
}

TEST(Connections, AreATable) {
  const bus::Connection connection{
      "tcp", "192.0.2.7:40000", "10.0.0.100:80", "10.1.0.2:80", "tcp:10.0.0.100:80", "DR", "ESTABLISHED", 899.4};
  EXPECT_EQ(render_connections({connection}, false),
            "PROTO  CLIENT           VIRTUAL        SERVER       METHOD  STATE            EXPIRES\n"
            "tcp    192.0.2.7:40000  10.0.0.100:80  10.1.0.2:80  DR      ESTABLISHED  14 min 59 s\n");
  EXPECT_EQ(render_connections({}, false), "no connection\n");
}

TEST(Drops, SayWhatToDo) {
  EXPECT_EQ(
      render_drops({{"no_server", "no server is up: see ballastctl health", 12}, {"fragment", "a fragment", 0}}, false),
      "DROPPED    PACKETS  WHAT IT MEANS\n"
      "no_server       12  no server is up: see ballastctl health\n"
      "fragment         0  a fragment\n");
}

TEST(Drops, WhatWentOnIsToldApart) {
  EXPECT_EQ(render_drops({{"ttl", "used up", 1}, {"told_too_big", "a client was told", 7, false}}, false),
            "DROPPED  PACKETS  WHAT IT MEANS\n"
            "ttl            1  used up\n"
            "\n"
            "NOT DROPPED   PACKETS  WHAT IT MEANS\n"
            "told_too_big        7  a client was told\n");
}

TEST(Event, IsOneLineInLocalTime) {
  setenv("TZ", "UTC", 1);
  tzset();
  bus::Event event{
      1'795'395'723.25, "vrrpd", "vrrp", "VI_1", "VI_1: BACKUP -> MASTER (no advertisement from 10.0.0.1 for 3.61 s)",
      "notice"};
  EXPECT_EQ(render_event(event, false),
            "2026-11-23 01:02:03.250  vrrpd     VI_1: BACKUP -> MASTER (no advertisement from 10.0.0.1 for 3.61 s)\n");
  event.severity = "error";
  EXPECT_THAT(render_event(event, true), testing::HasSubstr("\x1b[1;31mVI_1: "));
}

TEST(MatchServers, FindsAServerInAllServicesOrInOne) {
  const auto everywhere = match_servers(healths(), "", "10.1.0.2");
  ASSERT_TRUE(everywhere);
  EXPECT_THAT(*everywhere, testing::ElementsAre(ServerName{"tcp:10.0.0.100:443", "10.1.0.2:443"},
                                                ServerName{"tcp:10.0.0.100:80", "10.1.0.2:80"}));
  const auto one = match_servers(healths(), "tcp:10.0.0.100:80", "10.1.0.3:80");
  ASSERT_TRUE(one);
  EXPECT_THAT(*one, testing::ElementsAre(ServerName{"tcp:10.0.0.100:80", "10.1.0.3:80"}));
}

TEST(MatchServers, NamesThoseThereAre) {
  EXPECT_EQ(match_servers(healths(), "", "10.1.0.9").error().message,
            "no server '10.1.0.9'; there are 10.1.0.2:443, 10.1.0.2:80, 10.1.0.3:80");
  EXPECT_EQ(match_servers(healths(), "tcp:10.0.0.100:443", "10.1.0.3:80").error().message,
            "no server '10.1.0.3:80' in tcp:10.0.0.100:443; there are 10.1.0.2:443");
  EXPECT_EQ(match_servers(healths(), "web", "10.1.0.3:80").error().message,
            "no service 'web'; there are tcp:10.0.0.100:443, tcp:10.0.0.100:80");
}

}  // namespace
}  // namespace ballast::ctl
