#include "daemons/scriptd/policy/service_notices.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>

namespace ballast::scriptd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const std::string web = "tcp:203.0.113.10:80";

config::RealServer real_server(const std::string& address) {
  config::RealServer server;
  server.endpoint = *net::Endpoint::parse(address);
  server.notify_up = config::Command{{"/up"}, "", ""};
  server.notify_down = config::Command{{"/down", address}, "", ""};
  return server;
}

config::Model model() {
  config::VirtualServer service;
  service.name = web;
  service.endpoints = {*net::Endpoint::parse("203.0.113.10:80")};
  service.quorum_up = {{"/gained"}, "", ""};
  service.quorum_down = {{"/lost"}, "", ""};
  service.real_servers = {real_server("10.0.0.1:80"), real_server("10.0.0.2:80")};
  config::Model made;
  made.virtual_servers.push_back(service);
  return made;
}

std::vector<std::string> text(const std::vector<ServiceNotice>& notices) {
  std::vector<std::string> lines;
  for (const auto& notice : notices) {
    auto line = fifo_line(notice);
    line.back() = ':';
    lines.push_back(fmt::format("{} [{}]", line, fmt::join(notice.command.words, " ")));
  }
  return lines;
}

class TellingOfServices : public testing::Test {
 protected:
  std::vector<std::string> server(const std::string& address, bool up) {
    bus::ServerHealth health;
    health.service = web;
    health.server = address;
    health.up = up;
    health.reason = "so it is";
    return text(teller.on_server(web + "/" + address, health));
  }
  std::vector<std::string> service(bool up) {
    bus::ServiceState state;
    state.name = web;
    state.state = up ? bus::ServerStatus::up : bus::ServerStatus::down;
    return text(teller.on_service(web, state));
  }
  std::vector<std::string> configure(const config::Model& wanted) { return text(teller.configure(wanted)); }
  void restart() { teller = ServiceTeller{nlohmann::json::parse(teller.record().dump())}; }

  ServiceTeller teller{nullptr};
};

TEST_F(TellingOfServices, AServersFirstStateIsNoNewsAndAChangeIs) {
  EXPECT_THAT(configure(model()), IsEmpty());
  EXPECT_THAT(server("10.0.0.1:80", true), IsEmpty());
  EXPECT_THAT(server("10.0.0.2:80", false), IsEmpty());
  EXPECT_THAT(server("10.0.0.1:80", false),
              ElementsAre("RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:80 DOWN: [/down 10.0.0.1:80]"));
  EXPECT_THAT(server("10.0.0.1:80", false), IsEmpty());
  EXPECT_THAT(server("10.0.0.2:80", true), ElementsAre("RS [10.0.0.2]:tcp:80 [203.0.113.10]:tcp:80 UP: [/up]"));
}

TEST_F(TellingOfServices, WithRsInitNotifiesTheFirstStateIsToldToo) {
  auto wanted = model();
  wanted.global.scripts.initial_servers = true;
  configure(wanted);
  EXPECT_THAT(server("10.0.0.1:80", true), SizeIs(1));
  EXPECT_THAT(server("10.0.0.1:80", true), IsEmpty());
}

TEST_F(TellingOfServices, AServicesQuorumIsToldFromItsFirstStateOn) {
  configure(model());
  EXPECT_THAT(service(true), ElementsAre("VS [203.0.113.10]:tcp:80 UP: [/gained]"));
  EXPECT_THAT(service(true), IsEmpty());
  EXPECT_THAT(service(false), ElementsAre("VS [203.0.113.10]:tcp:80 DOWN: [/lost]"));
}

TEST_F(TellingOfServices, WhatComesBeforeTheConfigurationIsToldWithIt) {
  EXPECT_THAT(service(true), IsEmpty());
  EXPECT_THAT(server("10.0.0.1:80", false), IsEmpty());
  EXPECT_THAT(configure(model()), ElementsAre("VS [203.0.113.10]:tcp:80 UP: [/gained]"));
  EXPECT_THAT(server("10.0.0.1:80", true), SizeIs(1));
}

TEST_F(TellingOfServices, ARestartTellsWhatChangedMeanwhileAndNothingTwice) {
  configure(model());
  service(true);
  server("10.0.0.1:80", true);
  server("10.0.0.2:80", true);
  server("10.0.0.2:80", false);
  restart();
  EXPECT_THAT(service(true), IsEmpty());
  EXPECT_THAT(server("10.0.0.1:80", false), IsEmpty());
  EXPECT_THAT(server("10.0.0.2:80", false), IsEmpty());
  EXPECT_THAT(configure(model()), ElementsAre("RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:80 DOWN: [/down 10.0.0.1:80]"));
  EXPECT_THAT(server("10.0.0.2:80", true), SizeIs(1));
}

TEST_F(TellingOfServices, WhatIsAddedAfterARestartHasAFirstStateAgain) {
  configure(model());
  restart();
  configure(model());
  auto more = model();
  more.virtual_servers[0].real_servers.push_back(real_server("10.0.0.3:80"));
  configure(more);
  EXPECT_THAT(server("10.0.0.3:80", false), IsEmpty());
  EXPECT_THAT(server("10.0.0.3:80", true), SizeIs(1));
}

TEST_F(TellingOfServices, AReloadTellsNothingOfWhatStays) {
  configure(model());
  service(true);
  server("10.0.0.1:80", true);
  EXPECT_THAT(configure(model()), IsEmpty());
  auto other = model();
  other.virtual_servers[0].real_servers[0].notify_down = config::Command{{"/other"}, "", ""};
  configure(other);
  EXPECT_THAT(server("10.0.0.1:80", false), ElementsAre("RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:80 DOWN: [/other]"));
}

TEST_F(TellingOfServices, WhatIsRemovedWhileUpIsToldAsDown) {
  configure(model());
  service(true);
  server("10.0.0.1:80", true);
  server("10.0.0.2:80", false);
  EXPECT_THAT(configure({}),
              UnorderedElementsAre("RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:80 DOWN: [/down 10.0.0.1:80]",
                                   "VS [203.0.113.10]:tcp:80 DOWN: [/lost]"));
  EXPECT_THAT(configure({}), IsEmpty());
  EXPECT_THAT(configure(model()), ElementsAre("VS [203.0.113.10]:tcp:80 UP: [/gained]"));
}

TEST_F(TellingOfServices, TheEndIsToldWithOmegaAlone) {
  auto wanted = model();
  configure(wanted);
  service(true);
  server("10.0.0.1:80", true);
  EXPECT_THAT(text(teller.stop()), IsEmpty());
  wanted.virtual_servers[0].omega = true;
  configure(wanted);
  EXPECT_THAT(text(teller.stop()), ElementsAre("RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:80 DOWN: [/down 10.0.0.1:80]",
                                               "VS [203.0.113.10]:tcp:80 DOWN: [/lost]"));
  EXPECT_THAT(service(true), IsEmpty()) << "forwardd ends later, and still finds it up";
  EXPECT_THAT(server("10.0.0.1:80", true), IsEmpty());
  restart();
  configure(wanted);
  EXPECT_THAT(service(true), SizeIs(1)) << "what was told to be down at the end is told to be up again";
  EXPECT_THAT(server("10.0.0.1:80", true), SizeIs(1));
}

TEST_F(TellingOfServices, AServerThatASourceFoundIsLikeItsSourceSays) {
  auto wanted = model();
  wanted.virtual_servers[0].real_servers.clear();
  config::ServerSource source;
  source.like = real_server("0.0.0.0:0");
  wanted.virtual_servers[0].sources.push_back(source);
  configure(wanted);
  EXPECT_THAT(server("10.0.0.9:8080", true), IsEmpty());
  EXPECT_THAT(configure(wanted), IsEmpty());
  EXPECT_THAT(server("10.0.0.9:8080", false),
              ElementsAre("RS [10.0.0.9]:tcp:8080 [203.0.113.10]:tcp:80 DOWN: [/down 0.0.0.0:0]"));
  server("10.0.0.9:8080", true);
  EXPECT_THAT(text(teller.on_server(web + "/10.0.0.9:8080", std::nullopt)), SizeIs(1)) << "it is found no longer";
}

TEST_F(TellingOfServices, GroupsAndIpv6AreWrittenAsKeepalivedDoes) {
  config::VirtualServer group;
  group.name = "udp:group:DNS";
  group.protocol = config::Protocol::udp;
  group.endpoints = {*net::Endpoint::parse("203.0.113.1:53"), *net::Endpoint::parse("203.0.113.2:53")};
  auto six = real_server("[2001:db8::1]:53");
  group.real_servers.push_back(six);
  config::Model wanted;
  wanted.global.scripts.initial_servers = true;
  wanted.virtual_servers.push_back(group);
  configure(wanted);
  bus::ServerHealth health;
  health.up = true;
  EXPECT_THAT(text(teller.on_server("udp:group:DNS/[2001:db8::1]:53", health)),
              ElementsAre("RS [2001:db8::1]:udp:53 [DNS]:0 UP: [/up]"));
}

TEST_F(TellingOfServices, TheRecordIsOfTheServersThatAreDownAlone) {
  configure(model());
  service(true);
  server("10.0.0.1:80", true);
  server("10.0.0.2:80", false);
  EXPECT_EQ(teller.record(), nlohmann::json::parse(R"({"services": {"tcp:203.0.113.10:80": true},
                                                       "down": ["tcp:203.0.113.10:80/10.0.0.2:80"]})"));
  EXPECT_TRUE(teller.take_changed());
  EXPECT_FALSE(teller.take_changed());
  server("10.0.0.2:80", false);
  EXPECT_FALSE(teller.take_changed());
}

TEST(ServicesTold, ARecordThatIsNotUnderstoodCountsForNothing) {
  for (const char* record : {"1", "[]", R"({"services": [], "down": {}})", R"({"services": {"a": 1}, "down": [2]})"}) {
    ServiceTeller teller{nlohmann::json::parse(record)};
    EXPECT_THAT(teller.configure(model()), IsEmpty()) << record;
  }
}

}  // namespace
}  // namespace ballast::scriptd
