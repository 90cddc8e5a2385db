#include <gmock/gmock.h>

#include "tests/unit/forwardd/computed.hpp"

namespace ballast::forwardd {
namespace {

using bus::AdminState;
using bus::ServerStatus;
using bus::VrrpRole;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto web = "tcp:203.0.113.10:80";

net::Endpoint endpoint(const char* text) { return *net::Endpoint::parse(text); }

/// A service of three checked servers, 10.0.0.1 to 3, and an instance that has its VIP.
class Desired : public ::testing::Test {
 protected:
  Desired() {
    auto& made = model.virtual_servers.emplace_back();
    made.name = web;
    made.endpoints = {endpoint("203.0.113.10:80")};
    for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) {
      auto& added = made.real_servers.emplace_back();
      added.endpoint = endpoint(server);
      added.checks.emplace_back();
    }
    auto& instance = model.vrrp_instances.emplace_back();
    instance.name = "VI_1";
    instance.virtual_addresses.emplace_back().prefix = *net::Prefix::parse("203.0.113.10/32");
    instance.virtual_addresses.back().interface = "eth0";
    inputs.roles["VI_1"] = VrrpRole::master;
    for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, true);
  }

  config::VirtualServer& service() { return model.virtual_servers[0]; }
  void health(const char* server, bool up, const char* reason = "") {
    auto& entry = inputs.health[server_key(web, endpoint(server))];
    entry.up = up;
    entry.reason = reason;
  }
  void weight(const char* server, int value, const char* reason = "") {
    health(server, true, reason);
    inputs.health[server_key(web, endpoint(server))].weight = value;
  }
  void unknown(const char* server) { inputs.health.erase(server_key(web, endpoint(server))); }
  void operator_says(const char* server, AdminState state) { inputs.admin[server_key(web, endpoint(server))] = state; }

  void run() { result = Computed::by(computation, model, inputs, now); }
  const DesiredService& desired() { return std::as_const(result.state.services)[0]; }
  const bus::ServiceState& report() { return result.reports[0]; }
  std::vector<int> weights() {
    std::vector<int> all;
    for (const auto& server : desired().servers) all.push_back(server.weight);
    return all;
  }
  std::vector<ServerStatus> statuses() {
    std::vector<ServerStatus> all;
    for (const auto& server : report().servers) all.push_back(server.state);
    return all;
  }

  config::Model model;
  Inputs inputs;
  Computation computation;
  double now = 1000;
  Computed result;
};

TEST_F(Desired, HealthyServersTakeTheirWeights) {
  service().real_servers[1].weight = 5;
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 5, 1));
  EXPECT_EQ(report().state, ServerStatus::up);
  EXPECT_EQ(report().reason, "3 of 3 servers up");
  EXPECT_TRUE(report().forwarding);
  EXPECT_EQ(desired().role, "VI_1");
}

TEST_F(Desired, AFailedServerGetsNothingNewAndItsReasonIsTold) {
  health("10.0.0.2:80", false, "connect to 10.0.0.2:80: refused");
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 0, 1));
  EXPECT_THAT(statuses(), ElementsAre(ServerStatus::up, ServerStatus::down, ServerStatus::up));
  EXPECT_EQ(report().servers[1].reason, "connect to 10.0.0.2:80: refused");
  EXPECT_EQ(report().reason, "2 of 3 servers up");
  EXPECT_TRUE(desired().servers[1].keeps_connections);
}

TEST_F(Desired, AFailedUdpServersTrafficGoesElsewhereUnlessInhibited) {
  service().protocol = config::Protocol::udp;
  service().real_servers[1].inhibit_on_failure = true;
  health("10.0.0.1:80", false);
  health("10.0.0.2:80", false);
  run();
  EXPECT_FALSE(desired().servers[0].keeps_connections);
  EXPECT_TRUE(desired().servers[1].keeps_connections);
}

TEST_F(Desired, AFailedServersConnectionsAreDroppedWhereTheServiceSaysSoUnlessInhibited) {
  service().expire_nodest = true;
  service().real_servers[1].inhibit_on_failure = true;
  health("10.0.0.1:80", false);
  health("10.0.0.2:80", false);
  run();
  EXPECT_FALSE(desired().servers[0].keeps_connections);
  EXPECT_TRUE(desired().servers[1].keeps_connections);
  EXPECT_TRUE(desired().servers[2].keeps_connections) << "it is up";
}

TEST_F(Desired, AServerKeepsItsTunnelAndThresholdsWhateverItsHealth) {
  auto& configured = service().real_servers[0];
  configured.method = config::Method::tun;
  configured.tunnel = {config::TunnelType::gue, 6080, config::TunnelChecksum::csum};
  configured.upper_threshold = 100;
  configured.lower_threshold = 50;
  for (const bool up : {true, false}) {
    health("10.0.0.1:80", up);
    run();
    EXPECT_EQ(desired().servers[0].method, config::Method::tun);
    EXPECT_EQ(desired().servers[0].tunnel, configured.tunnel);
    EXPECT_EQ(desired().servers[0].upper_threshold, 100U);
    EXPECT_EQ(desired().servers[0].lower_threshold, 50U);
  }
}

TEST_F(Desired, TheSorryServerHasATunnelOfItsOwn) {
  const config::Tunnel gre{config::TunnelType::gre, 0, config::TunnelChecksum::csum};
  service().sorry_server = config::SorryServer{endpoint("10.0.0.9:80"), config::Method::tun, gre};
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, false);
  run();
  ASSERT_THAT(desired().servers, SizeIs(4));
  EXPECT_EQ(desired().servers[3].tunnel, gre);
}

TEST_F(Desired, WhatAServiceSaysOfSchedulingAndAddressesReachesTheEngine) {
  service().scheduler = config::Scheduler::sh;
  service().hash_port = true;
  service().hash_fallback = true;
  service().local_addresses = {*net::IpAddress::parse("10.0.0.100"), *net::IpAddress::parse("10.0.0.101")};
  service().client_address = config::ClientAddress::proxy_v2;
  service().persistence_timeout = std::chrono::seconds{50};
  service().persistence_prefix4 = 24;
  service().persistence_prefix6 = 64;
  service().one_packet = true;
  service().sloppy_tcp = true;
  run();
  EXPECT_EQ(desired().scheduler, config::Scheduler::sh);
  EXPECT_TRUE(desired().hash_port);
  EXPECT_TRUE(desired().hash_fallback);
  EXPECT_EQ(desired().local_addresses, service().local_addresses);
  EXPECT_EQ(desired().client_address, config::ClientAddress::proxy_v2);
  EXPECT_EQ(desired().persistence_timeout, std::chrono::seconds{50});
  EXPECT_EQ(desired().persistence_prefix4, 24U);
  EXPECT_EQ(desired().persistence_prefix6, 64U);
  EXPECT_TRUE(desired().one_packet);
  EXPECT_TRUE(desired().sloppy_tcp);
}

TEST_F(Desired, AServerOfUnknownHealthIsUpUnlessAlpha) {
  unknown("10.0.0.1:80");
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1));
  service().alpha = true;
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 1, 1));
  EXPECT_THAT(report().servers[0].reason, HasSubstr("alpha"));
  service().alpha = false;
  service().real_servers[0].checks[0].alpha = true;
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 1, 1));
}

TEST_F(Desired, AlphaMeansNothingForAServerThatNothingChecks) {
  service().alpha = true;
  service().real_servers[0].checks.clear();
  unknown("10.0.0.1:80");
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1));
}

TEST_F(Desired, DrainKeepsConnectionsAndTakesNoNewOnes) {
  operator_says("10.0.0.1:80", AdminState::drain);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 1, 1));
  EXPECT_EQ(report().servers[0].state, ServerStatus::drain);
  EXPECT_EQ(desired().servers[0].status, ServerStatus::drain);
  EXPECT_TRUE(desired().servers[0].keeps_connections);
}

TEST_F(Desired, ADrainedServerThatFailsIsDown) {
  operator_says("10.0.0.1:80", AdminState::drain);
  health("10.0.0.1:80", false, "timed out");
  run();
  EXPECT_EQ(report().servers[0].state, ServerStatus::down);
  EXPECT_EQ(report().servers[0].reason, "timed out");
}

TEST_F(Desired, DisableIsDownAtOnceWhateverItsHealth) {
  operator_says("10.0.0.1:80", AdminState::disable);
  run();
  EXPECT_EQ(report().servers[0].state, ServerStatus::down);
  EXPECT_FALSE(desired().servers[0].keeps_connections);
  EXPECT_EQ(report().servers[0].reason, "disabled by the operator");
}

TEST_F(Desired, WeightZeroIsADrain) {
  service().real_servers[2].weight = 0;
  run();
  EXPECT_THAT(statuses(), ElementsAre(ServerStatus::up, ServerStatus::up, ServerStatus::drain));
}

TEST_F(Desired, QuorumCountsWeights) {
  service().quorum = 5;
  service().real_servers[0].weight = 4;
  run();
  EXPECT_EQ(report().state, ServerStatus::up);
  health("10.0.0.1:80", false);
  run();
  EXPECT_EQ(report().state, ServerStatus::down);
  EXPECT_EQ(report().reason, "quorum lost: servers of weight 2 are up, 5 needed");
  EXPECT_THAT(weights(), ElementsAre(0, 1, 1)) << "without a sorry server the rest goes on";
}

TEST_F(Desired, HysteresisWidensTheQuorumBothWays) {
  service().quorum = 2;
  service().hysteresis = 1;
  health("10.0.0.1:80", false);
  run();
  EXPECT_EQ(report().state, ServerStatus::up) << "without a past, 2 of 2 is enough";
  health("10.0.0.2:80", false);
  run();
  EXPECT_EQ(report().state, ServerStatus::up) << "1 is not below 2 - 1";
  health("10.0.0.3:80", false);
  run();
  EXPECT_EQ(report().state, ServerStatus::down);
  health("10.0.0.2:80", true);
  health("10.0.0.3:80", true);
  run();
  EXPECT_EQ(report().state, ServerStatus::down) << "2 is not yet 2 + 1";
  health("10.0.0.1:80", true);
  run();
  EXPECT_EQ(report().state, ServerStatus::up);
}

TEST_F(Desired, HysteresisPastTheQuorumStillNeedsAServer) {
  service().quorum = 1;
  service().hysteresis = 5;
  run();
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, false);
  run();
  EXPECT_EQ(report().state, ServerStatus::down);
}

TEST_F(Desired, TheSorryServerTakesAllNewOnesWhenTheQuorumIsLost) {
  service().quorum = 3;
  service().sorry_server = config::SorryServer{endpoint("10.0.0.9:80"), config::Method::dr};
  run();
  EXPECT_THAT(desired().servers, SizeIs(3));
  EXPECT_FALSE(report().sorry);
  health("10.0.0.1:80", false);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(desired().servers[3].endpoint, endpoint("10.0.0.9:80"));
  EXPECT_EQ(desired().servers[3].method, config::Method::dr);
  EXPECT_EQ(desired().servers[1].status, ServerStatus::up) << "its connections go on";
  EXPECT_TRUE(report().sorry);
  EXPECT_EQ(report().state, ServerStatus::down);
  health("10.0.0.1:80", true);
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1));
}

TEST_F(Desired, AnInhibitedSorryServerStaysForItsConnections) {
  service().quorum = 3;
  service().sorry_server = config::SorryServer{.endpoint = endpoint("10.0.0.9:80"), .inhibit = true};
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 0));
  EXPECT_EQ(desired().servers[3].status, ServerStatus::drain);
  EXPECT_EQ(report().servers[3].reason, "sorry server: its connections go on");
  EXPECT_FALSE(report().sorry);
  health("10.0.0.1:80", false);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 0, 1));
  EXPECT_TRUE(report().sorry);
  health("10.0.0.1:80", true);
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 0));
}

TEST_F(Desired, WithNoServerUpAllGetConnectionsWhereTheServiceSaysSo) {
  service().when_all_down = config::WhenAllDown::all;
  service().real_servers[2].weight = 3;
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80"}) health(server, false, "connect: refused");
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 3)) << "one is up";
  health("10.0.0.3:80", false);
  run();
  EXPECT_THAT(weights(), ElementsAre(1, 1, 3));
  EXPECT_EQ(desired().servers[0].status, ServerStatus::up) << "for the data path";
  EXPECT_THAT(statuses(), ElementsAre(ServerStatus::down, ServerStatus::down, ServerStatus::down));
  EXPECT_EQ(report().state, ServerStatus::down);
  EXPECT_EQ(report().reason, "none of 3 servers is up: all get new connections (when_all_down all)");
  EXPECT_EQ(report().servers[0].reason, "connect: refused");
}

TEST_F(Desired, WhoAnOperatorTookOutGetsNothingThen) {
  service().when_all_down = config::WhenAllDown::all;
  service().real_servers[1].weight = 0;
  operator_says("10.0.0.1:80", AdminState::disable);
  operator_says("10.0.0.3:80", AdminState::drain);
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, false);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 0));
  EXPECT_EQ(report().reason, "none of 3 servers is up");
}

TEST_F(Desired, TheSorryServerComesBeforeFailingOpen) {
  service().when_all_down = config::WhenAllDown::all;
  service().sorry_server = config::SorryServer{.endpoint = endpoint("10.0.0.9:80")};
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, false);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 0, 1));
}

TEST_F(Desired, ByDefaultNothingIsServedWithNoServerUp) {
  for (const char* server : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) health(server, false);
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 0, 0));
}

TEST_F(Desired, AWeightFromChecksTakesThePlaceOfTheConfiguredOne) {
  service().quorum = 10;
  weight("10.0.0.1:80", 9);
  run();
  EXPECT_THAT(weights(), ElementsAre(9, 1, 1));
  EXPECT_EQ(report().state, ServerStatus::up) << "the quorum counts it";
  weight("10.0.0.1:80", 5);
  run();
  EXPECT_EQ(report().state, ServerStatus::down);
}

TEST_F(Desired, AWeightOfZeroFromChecksIsADrainWithTheirReason) {
  weight("10.0.0.1:80", 0, "agent: drain");
  run();
  EXPECT_THAT(weights(), ElementsAre(0, 1, 1));
  EXPECT_THAT(statuses(), ElementsAre(ServerStatus::drain, ServerStatus::up, ServerStatus::up));
  EXPECT_EQ(report().servers[0].reason, "agent: drain");
}

TEST_F(Desired, OnlyServersOfAServiceWithPassiveCheckAreWatched) {
  run();
  EXPECT_FALSE(desired().servers[0].watched);
  service().passive_check.emplace();
  run();
  EXPECT_TRUE(desired().servers[0].watched);
  service().protocol = config::Protocol::udp;
  run();
  EXPECT_FALSE(desired().servers[0].watched);
}

TEST_F(Desired, ForwardsOnlyWhileMaster) {
  inputs.roles["VI_1"] = VrrpRole::backup;
  run();
  EXPECT_FALSE(report().forwarding);
  EXPECT_TRUE(result.state.roles.at("VI_1").known);
  EXPECT_EQ(report().reason, "3 of 3 servers up; VI_1 is BACKUP");
  inputs.roles.clear();
  run();
  EXPECT_FALSE(report().forwarding);
  EXPECT_FALSE(result.state.roles.at("VI_1").known);
}

TEST_F(Desired, AVipOfNoInstanceAlwaysForwards) {
  service().endpoints = {endpoint("203.0.113.99:80")};
  inputs.roles.clear();
  run();
  EXPECT_TRUE(report().forwarding);
  EXPECT_EQ(desired().role, "");
}

TEST_F(Desired, AGroupOverTwoInstancesForwardsWhileEitherIsMaster) {
  auto& second = model.vrrp_instances.emplace_back();
  second.name = "VI_2";
  second.virtual_addresses_excluded.emplace_back().prefix = *net::Prefix::parse("2001:db8::10/128");
  second.virtual_addresses_excluded.back().interface = "eth1";
  service().endpoints.push_back(endpoint("[2001:db8::10]:80"));
  inputs.roles = {{"VI_1", VrrpRole::backup}, {"VI_2", VrrpRole::master}};
  run();
  EXPECT_EQ(desired().role, "VI_1,VI_2");
  EXPECT_TRUE(report().forwarding);
  inputs.roles["VI_2"] = VrrpRole::fault;
  EXPECT_THAT(computation.roles(inputs.roles), ElementsAre(std::pair{"VI_1,VI_2", RoleState{false, true}}));
  EXPECT_THAT(result.state.virtual_addresses, ElementsAre(std::pair{*net::IpAddress::parse("203.0.113.10"), "eth0"},
                                                          std::pair{*net::IpAddress::parse("2001:db8::10"), "eth1"}));
}

TEST_F(Desired, TimeoutsAreTheServicesOwnOrTheGlobalOnes) {
  model.global.lvs_timeouts.tcp = std::chrono::seconds{100};
  run();
  EXPECT_EQ(desired().timeouts.tcp, std::chrono::seconds{100});
  service().timeouts = config::LvsTimeouts{.tcp = std::chrono::seconds{7}};
  run();
  EXPECT_EQ(desired().timeouts.tcp, std::chrono::seconds{7});
}

TEST_F(Desired, AServiceWithoutServersIsDown) {
  service().real_servers.clear();
  run();
  EXPECT_EQ(report().state, ServerStatus::down);
  EXPECT_EQ(report().reason, "it has no real server");
  EXPECT_THAT(desired().servers, IsEmpty());
}

}  // namespace
}  // namespace ballast::forwardd
