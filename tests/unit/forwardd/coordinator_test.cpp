#include "daemons/forwardd/coordinator.hpp"

#include <gmock/gmock.h>

#include "common/config/loader.hpp"

namespace ballast::forwardd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto service = "tcp:203.0.113.10:80";
constexpr auto first_server = "10.0.0.1:80";

/// Remembers what it was asked for; what a data path makes of it is the packet tests' and the lab's business.
class Recorder final : public Engine {
 public:
  std::vector<Error> reconcile(const DesiredState& desired) override {
    states.push_back(desired);
    return std::exchange(failures, {});
  }
  Result<> set_roles(const std::map<std::string, RoleState>& roles) override {
    role_changes.push_back(roles);
    return {};
  }
  std::map<std::string, ServerCounters> counters(const std::string& of) override {
    if (of != service) return {};
    return {{first_server, {.active = 7, .packets_in = 70}}};
  }
  std::vector<bus::ServerTraffic> traffic(const std::string&) override {
    ++refused;
    return {{first_server, refused, 0, 0, refused, 1}};
  }
  std::vector<bus::Connection> connections(const ConnectionFilter& filter) override {
    asked = filter;
    return {};
  }
  std::vector<bus::DropCount> drops() override { return {{"ttl", "time to live used up", 3}}; }
  Result<std::vector<bus::TraceStep>> trace(const TraceQuery& query) override {
    traced = query;
    return std::vector<bus::TraceStep>{{"send", "sent"}};
  }
  nlohmann::json about() override { return {{"engine", "recorder"}}; }
  Result<> unload() override { return {}; }

  std::vector<DesiredState> states;
  std::vector<std::map<std::string, RoleState>> role_changes;
  std::vector<Error> failures;
  ConnectionFilter asked;
  TraceQuery traced;
  std::uint64_t refused = 0;
};

config::Model model() {
  const auto loaded = config::load_text(R"(
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress { 203.0.113.10/24 }
}
virtual_server 203.0.113.10 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server 10.0.0.1 80 { TCP_CHECK { connect_timeout 1 } }
    real_server 10.0.0.2 80 { TCP_CHECK { connect_timeout 1 } }
}
)",
                                        "test.conf", {});
  EXPECT_TRUE(loaded.ok());
  return loaded.model;
}

class CoordinatorTest : public ::testing::Test {
 protected:
  /// Carries out what is due; true if the engine was asked to reconcile.
  bool turn() {
    const auto before = engine.states.size();
    io.restart();
    io.poll();
    return engine.states.size() > before;
  }
  void snapshots_end() {
    for (const auto* prefix : {"health/", "admin/", "vrrp/"}) coordinator.snapshot_end(prefix);
  }
  void start() {
    coordinator.apply(model());
    role("MASTER");
    snapshots_end();
    turn();
  }
  void role(const char* state) {
    coordinator.update("vrrp/VI_1", {{"name", "VI_1"},
                                     {"state", state},
                                     {"interface", "eth0"},
                                     {"vrid", 51},
                                     {"priority", 100},
                                     {"configured_priority", 100},
                                     {"master", ""},
                                     {"since", 0.0},
                                     {"reason", "test"},
                                     {"virtual_addresses", nlohmann::json::array()},
                                     {"holds_addresses", false}});
  }
  void health(const char* server, bool up) {
    bus::ServerHealth health;
    health.service = service;
    health.server = server;
    health.up = up;
    health.reason = up ? "accepted" : "refused";
    coordinator.update(fmt::format("health/{}/{}", service, server), health);
  }

  boost::asio::io_context io;
  Recorder engine;
  std::vector<bus::ServiceState> published;
  std::vector<std::string> withdrawn;
  std::vector<bus::Event> events;
  std::vector<bus::ServiceTraffic> traffic;
  Coordinator coordinator{io,
                          engine,
                          {[this](const bus::ServiceState& state) { published.push_back(state); },
                           [this](const std::string& name) { withdrawn.push_back(name); },
                           [this](bus::Event event) { events.push_back(std::move(event)); },
                           [this](const bus::ServiceTraffic& told) { traffic.push_back(told); },
                           [this](const std::string& name) { withdrawn.push_back("traffic of " + name); }}};
};

TEST_F(CoordinatorTest, NothingIsReconciledBeforeEverythingHasBeenHeardOnce) {
  coordinator.apply(model());
  coordinator.snapshot_end("health/");
  coordinator.snapshot_end("admin/");
  EXPECT_FALSE(turn());
  coordinator.snapshot_end("vrrp/");
  EXPECT_TRUE(turn());
}

TEST_F(CoordinatorTest, ADownServerIsDownForTheEngineAndOnTheBus) {
  start();
  health(first_server, false);
  ASSERT_TRUE(turn());
  EXPECT_EQ(engine.states.back().services.at(0).servers.at(0).status, bus::ServerStatus::down);
  EXPECT_EQ(published.back().servers.at(0).reason, "refused");
  EXPECT_EQ(published.back().servers.at(0).active, 7U) << "counters of that moment are told with it";
}

TEST_F(CoordinatorTest, ManyChangesAtOnceAreOneReconciliation) {
  start();
  health(first_server, false);
  health("10.0.0.2:80", false);
  health(first_server, true);
  const auto before = engine.states.size();
  turn();
  EXPECT_EQ(engine.states.size(), before + 1);
}

TEST_F(CoordinatorTest, ATakeoverDoesNotWaitForTheRest) {
  start();
  engine.role_changes.clear();
  role("BACKUP");
  ASSERT_THAT(engine.role_changes, SizeIs(1)) << "before the loop has turned";
  EXPECT_FALSE(engine.role_changes[0].at("VI_1").forwarding);
}

TEST_F(CoordinatorTest, AnUnchangedServiceIsNotPublishedAgain) {
  start();
  published.clear();
  health(first_server, true);
  turn();
  published.clear();
  health(first_server, true);
  EXPECT_FALSE(turn()) << "the engine has nothing to do";
  EXPECT_THAT(published, IsEmpty());
}

TEST_F(CoordinatorTest, ARemovedServiceIsWithdrawn) {
  start();
  auto without = model();
  without.virtual_servers.clear();
  coordinator.apply(without);
  turn();
  EXPECT_THAT(withdrawn, ::testing::ElementsAre(service));
}

TEST_F(CoordinatorTest, AFailureIsToldOnceAndTriedAgain) {
  start();
  events.clear();
  for (int time = 0; time < 2; ++time) {
    engine.failures = {fail("interface eth7 does not exist")};
    coordinator.network_changed();
    turn();
  }
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].message, "interface eth7 does not exist");
  const auto before = engine.states.size();
  io.restart();
  while (engine.states.size() == before && io.run_one_for(std::chrono::seconds{20}) > 0) {
  }
  EXPECT_EQ(engine.states.size(), before + 1) << "without being asked";
}

TEST_F(CoordinatorTest, AServiceThatGoesDownIsAnEventThatSaysWhy) {
  start();
  events.clear();
  health(first_server, false);
  health("10.0.0.2:80", false);
  turn();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].severity, "warning");
  EXPECT_THAT(events[0].message, HasSubstr("none of 2 servers is up"));
}

TEST_F(CoordinatorTest, WhatBecomesOfNewConnectionsIsToldWhereSomebodyAsksForIt) {
  start();
  auto watched = model();
  watched.virtual_servers[0].passive_check = config::PassiveCheck{.interval = std::chrono::milliseconds{10}};
  coordinator.apply(watched);
  io.restart();
  while (traffic.size() < 3) io.run_one();
  EXPECT_EQ(traffic[0].servers.at(0).refused, 1U) << "where it began";
  EXPECT_EQ(traffic[1].servers.at(0).refused, 2U);
  EXPECT_EQ(traffic[2].service, service);
  coordinator.apply(model());
  EXPECT_THAT(withdrawn, testing::ElementsAre(fmt::format("traffic of {}", service)));
}

TEST_F(CoordinatorTest, AServerThatComesUpSlowlyIsComputedAgainByTheTime) {
  auto slow = model();
  slow.virtual_servers[0].slow_start = std::chrono::seconds{2};
  slow.virtual_servers[0].scheduler = config::Scheduler::wrr;
  coordinator.apply(slow);
  role("MASTER");
  health(first_server, true);
  snapshots_end();
  turn();
  health(first_server, false);
  turn();
  health(first_server, true);
  turn();
  EXPECT_EQ(engine.states.back().services.at(0).servers.at(0).weight, 1);
  EXPECT_EQ(engine.states.back().services.at(0).servers.at(1).weight, 10);
  const auto before = engine.states.size();
  io.restart();
  while (engine.states.size() == before) io.run_one();
  EXPECT_GE(engine.states.back().services.at(0).servers.at(0).weight, 4);
}

TEST_F(CoordinatorTest, GarbageOnTheBusChangesNothing) {
  start();
  coordinator.update(fmt::format("health/{}/{}", service, first_server), {{"up", "perhaps"}});
  turn();
  EXPECT_EQ(engine.states.back().services.at(0).servers.at(0).status, bus::ServerStatus::up);
}

TEST_F(CoordinatorTest, AnswersItsRequestsAndNamesThemToOthers) {
  start();
  EXPECT_EQ(coordinator.request("services", {})->at(0).at("servers").at(0).at("packets_in"), 70);
  EXPECT_EQ(coordinator.request("drops", {})->at(0).at("packets"), 3);
  EXPECT_EQ(coordinator.request("engine", {})->at("engine"), "recorder");
  ASSERT_TRUE(coordinator.request("connections", {{"client", "198.51.100.7"}, {"limit", 5}}));
  EXPECT_EQ(engine.asked.client, "198.51.100.7");
  EXPECT_EQ(engine.asked.limit, 5U);
  EXPECT_FALSE(coordinator.request("connections", {{"limit", "many"}}));
  EXPECT_THAT(coordinator.request("fly", {}).error().message, HasSubstr("'fly'"));
}

}  // namespace
}  // namespace ballast::forwardd
