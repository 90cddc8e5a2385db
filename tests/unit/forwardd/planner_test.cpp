#include "daemons/forwardd/xdp/planner.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <set>

#include "daemons/forwardd/xdp/filters.hpp"

namespace ballast::forwardd::xdp {
namespace {

using bus::ServerStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

net::Endpoint endpoint(const std::string& text) { return *net::Endpoint::parse(text); }
net::IpAddress ip(const std::string& text) { return *net::IpAddress::parse(text); }

DesiredServer server(const std::string& text, int weight = 1) {
  return {.endpoint = endpoint(text), .method = config::Method::nat, .weight = weight, .status = ServerStatus::up};
}

DesiredService service(const std::string& vip, std::vector<DesiredServer> servers) {
  DesiredService made;
  made.name = "tcp:" + vip;
  made.endpoints = {endpoint(vip)};
  made.scheduler = config::Scheduler::rr;
  made.servers = std::move(servers);
  return made;
}

/// The maps, as far as the planner sees them, and what a running forwardd does with a plan.
class PlannerTest : public ::testing::Test {
 protected:
  PlannerTest() {
    maps.limits = {.services = 8, .servers = 16, .roles = 4};
    desired.services = {service("203.0.113.10:80", {server("10.0.0.1:80"), server("10.0.0.2:80")})};
  }

  void run() {
    plan = make_plan(maps, desired, hops);
    for (const auto& change : plan.changes) {
      apply(maps, change);
      check_invariants();
    }
  }

  /// At no point between two writes may a packet meet a key without its service or an answer pass by.
  void check_invariants() {
    for (const auto& [key, index] : maps.keys) {
      const bool names_vip = key.port == 0 && key.protocol == 0;
      ASSERT_LT(index, maps.services.size());
      EXPECT_EQ(maps.services[index].used, names_vip ? 0U : 1U);
      const auto bit = filter_bit(net::IpAddress::v6(key.address));
      EXPECT_NE(maps.filters.destination[bit / 8] & 1U << (bit % 8), 0) << "a key that the filter hides";
    }
    for (std::uint32_t index = 1; index < maps.servers.size(); ++index) {
      const auto& server = maps.servers[index];
      if ((server.flags & layout::SERVER_USED) == 0 || server.method != layout::METHOD_NAT) continue;
      const auto bit = filter_bit(net::IpAddress::v6(server.address));
      EXPECT_NE(maps.filters.source[bit / 8] & 1U << (bit % 8), 0) << "a NAT server whose answers pass by";
    }
  }

  template <class T>
  std::vector<T> changes() {
    std::vector<T> found;
    for (const auto& change : plan.changes) {
      if (const auto* one = std::get_if<T>(&change)) found.push_back(*one);
    }
    return found;
  }

  std::uint32_t index_of(const std::string& name, const std::string& text) {
    return plan.services.at(name).servers.at(text);
  }
  DesiredService& web() { return desired.services[0]; }
  static constexpr auto web_name = "tcp:203.0.113.10:80";

  Mirror maps;
  DesiredState desired;
  NextHops hops;
  Plan plan;
};

TEST_F(PlannerTest, TheSameStateTwiceWritesNothing) {
  run();
  EXPECT_THAT(plan.changes, ::testing::Not(IsEmpty()));
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
}

TEST_F(PlannerTest, AnUnchangedServiceNoticesNothingOfAnother) {
  run();
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  const auto index = plan.services[web_name].index;
  run();
  for (const auto& put : changes<PutTable>()) EXPECT_NE(put.service, index);
  for (const auto& put : changes<PutService>()) EXPECT_NE(put.index, index);
  for (const auto& put : changes<PutServer>()) EXPECT_NE(put.value.service, index);
}

TEST_F(PlannerTest, AWrittenServerSaysWhatItIs) {
  hops[ip("10.0.0.1")] = {7, *net::MacAddress::parse("02:00:00:00:00:01"),
                          *net::MacAddress::parse("02:00:00:00:00:02")};
  web().servers[1].method = config::Method::dr;
  run();
  const auto& first = maps.servers[index_of(web_name, "10.0.0.1:80")];
  EXPECT_EQ(net::IpAddress::v6(first.address), ip("10.0.0.1"));
  EXPECT_EQ(ntohs(first.port), 80);
  EXPECT_EQ(first.method, layout::METHOD_NAT);
  EXPECT_EQ(first.flags, layout::SERVER_USED | layout::SERVER_UP | layout::SERVER_REACHABLE);
  EXPECT_EQ(first.ifindex, 7U);
  EXPECT_EQ(first.destination_mac[5], 2);
  EXPECT_EQ(first.generation, 1U);
  const auto& second = maps.servers[index_of(web_name, "10.0.0.2:80")];
  EXPECT_EQ(second.method, layout::METHOD_DR);
  EXPECT_EQ(second.flags, layout::SERVER_USED | layout::SERVER_UP);
}

TEST_F(PlannerTest, ARestartedForwarddFindsItsOwnIndices) {
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.3:80")}));
  run();
  const auto before = plan.services;
  std::swap(desired.services[0], desired.services[1]);  // the order in the file is no identity
  for (auto& digest : maps.tables) digest.inputs = 0;   // what a restart does not know
  run();
  for (const auto& [name, planned] : plan.services) {
    EXPECT_EQ(planned.index, before.at(name).index);
    EXPECT_EQ(planned.servers, before.at(name).servers);
  }
  for (const auto& put : changes<PutTable>()) EXPECT_TRUE(put.known) << "only its digest is remembered";
  EXPECT_THAT(changes<PutServer>(), IsEmpty());
  EXPECT_THAT(changes<PutService>(), IsEmpty());
}

TEST_F(PlannerTest, AServerThatReturnsHasANewGeneration) {
  run();
  const auto removed = web().servers[1];
  const auto index = index_of(web_name, "10.0.0.2:80");
  web().servers.pop_back();
  run();
  EXPECT_EQ(maps.servers[index].flags, 0);
  EXPECT_EQ(maps.servers[index].generation, 1U);
  web().servers.push_back(removed);
  run();
  EXPECT_EQ(index_of(web_name, "10.0.0.2:80"), index);
  EXPECT_EQ(maps.servers[index].generation, 2U);
  EXPECT_TRUE(changes<PutServer>().at(0).fresh);
}

TEST_F(PlannerTest, AHealthChangeTouchesOneServerAndTheTable) {
  run();
  web().servers[0].status = ServerStatus::down;
  web().servers[0].weight = 0;
  run();
  ASSERT_THAT(changes<PutServer>(), SizeIs(1));
  EXPECT_EQ(changes<PutServer>()[0].value.flags, layout::SERVER_USED);
  EXPECT_EQ(changes<PutServer>()[0].value.generation, 1U) << "its connections go on";
  ASSERT_THAT(changes<PutTable>(), SizeIs(1));
  EXPECT_THAT(changes<PutTable>()[0].slots, ElementsAre(index_of(web_name, "10.0.0.2:80")));
  web().servers[0].keeps_connections = false;
  run();
  EXPECT_EQ(changes<PutServer>().at(0).value.flags, layout::SERVER_USED | layout::SERVER_RESCHEDULE);
}

TEST_F(PlannerTest, TheTableNeverEndsBeforeItsSize) {
  const auto check = [&] {
    plan = make_plan(maps, desired, hops);
    std::uint32_t size = maps.services.size() > 1 ? maps.services[1].table_size : 0;
    std::uint32_t slots = size;
    for (const auto& change : plan.changes) {
      if (const auto* put = std::get_if<PutService>(&change)) size = put->value.table_size;
      if (const auto* put = std::get_if<PutTable>(&change)) slots = static_cast<std::uint32_t>(put->slots.size());
      EXPECT_LE(size, slots);
      apply(maps, change);
    }
    EXPECT_EQ(size, slots);
  };
  check();
  web().scheduler = config::Scheduler::mh;
  check();
  web().scheduler = config::Scheduler::wlc;
  check();
  for (auto& each : web().servers) each.weight = 0;
  check();
  EXPECT_EQ(maps.services[1].table_size, 0U);
}

TEST_F(PlannerTest, ARemovedServiceLeavesNothing) {
  run();
  desired.services.clear();
  run();
  EXPECT_THAT(maps.keys, IsEmpty());
  EXPECT_EQ(maps.services[1].used, 0U);
  for (const auto& each : maps.servers) EXPECT_EQ(each.flags, 0);
  EXPECT_TRUE(same(maps.filters, layout::filters{}));
}

TEST_F(PlannerTest, AGroupKeepsItsIndexWhileOneOfItsAddressesStays) {
  web().endpoints = {endpoint("203.0.113.10:80"), endpoint("203.0.113.11:80")};
  run();
  const auto index = plan.services[web_name].index;
  EXPECT_THAT(maps.keys, SizeIs(4)) << "a service and a VIP for each address";
  web().endpoints = {endpoint("203.0.113.11:80"), endpoint("203.0.113.12:80")};
  run();
  EXPECT_EQ(plan.services[web_name].index, index);
  EXPECT_THAT(maps.keys, SizeIs(4)) << "a service and a VIP for each address";
  EXPECT_THAT(changes<PutServer>(), IsEmpty());
}

TEST_F(PlannerTest, TcpAndUdpOfOneAddressAreTwoServices) {
  auto dns = service("203.0.113.10:80", {server("10.0.0.1:80")});
  dns.name = "udp:203.0.113.10:80";
  dns.protocol = config::Protocol::udp;
  desired.services.push_back(dns);
  run();
  EXPECT_NE(plan.services["udp:203.0.113.10:80"].index, plan.services[web_name].index);
  EXPECT_NE(index_of("udp:203.0.113.10:80", "10.0.0.1:80"), index_of(web_name, "10.0.0.1:80"));
}

TEST_F(PlannerTest, ServicesOfOneInstanceShareARole) {
  web().role = "VI_1";
  web().forwarding = false;
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  desired.services[1].role = "VI_1";
  desired.services[1].forwarding = false;
  desired.services.push_back(service("203.0.113.12:80", {server("10.0.0.1:80")}));
  run();
  const auto role = plan.roles.at("VI_1");
  EXPECT_NE(role, 0U);
  EXPECT_EQ(maps.services[1].role, role);
  EXPECT_EQ(maps.services[2].role, role);
  EXPECT_EQ(maps.services[3].role, 0U);
  for (auto& each : desired.services) each.forwarding = true;
  run();
  ASSERT_THAT(plan.changes, SizeIs(1)) << "a change of role is one write";
  EXPECT_EQ(changes<PutRole>().at(0).value, 1U);
}

TEST_F(PlannerTest, AnUnknownRoleKeepsWhatTheAdoptedDataPathDid) {
  web().role = "VI_1";
  run();
  web().role_known = false;
  web().forwarding = false;
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
  web().role_known = true;
  run();
  EXPECT_EQ(changes<PutRole>().at(0).value, 0U);
}

TEST_F(PlannerTest, AFreshServiceOfUnknownRoleDoesNotForward) {
  web().role = "VI_1";
  web().role_known = false;
  web().forwarding = false;
  run();
  EXPECT_THAT(plan.roles, ::testing::Contains(::testing::Key("VI_1")));
  EXPECT_TRUE(maps.roles.size() <= plan.roles["VI_1"] || maps.roles[plan.roles["VI_1"]] == 0);
}

TEST_F(PlannerTest, ANewNextHopWritesOnlyTheServersBehindIt) {
  run();
  hops[ip("10.0.0.2")] = {3, *net::MacAddress::parse("02:00:00:00:00:0a"),
                          *net::MacAddress::parse("02:00:00:00:00:0b")};
  const auto changes = plan_next_hops(maps, hops);
  ASSERT_THAT(changes, SizeIs(1));
  const auto& put = std::get<PutServer>(changes[0]);
  EXPECT_EQ(put.index, index_of(web_name, "10.0.0.2:80"));
  EXPECT_NE(put.value.flags & layout::SERVER_REACHABLE, 0);
  apply(maps, changes[0]);
  EXPECT_THAT(plan_next_hops(maps, hops), IsEmpty());
  hops.clear();
  EXPECT_EQ(std::get<PutServer>(plan_next_hops(maps, hops).at(0)).value.flags & layout::SERVER_REACHABLE, 0);
}

TEST_F(PlannerTest, ASorryServerThatIsARealOneIsOneServer) {
  web().servers[0].weight = 0;
  web().servers[0].status = ServerStatus::down;
  web().servers[1].weight = 0;
  web().servers.push_back(server("10.0.0.1:80"));
  run();
  EXPECT_THAT(plan.services[web_name].servers, SizeIs(2));
  EXPECT_THAT(changes<PutTable>().at(0).slots, ElementsAre(index_of(web_name, "10.0.0.1:80")));
}

TEST_F(PlannerTest, WhatDoesNotFitIsNamedAndTheRestWorks) {
  maps.limits.servers = 2;
  run();
  ASSERT_THAT(plan.errors, SizeIs(1));
  EXPECT_EQ(plan.errors[0].message,
            "service tcp:203.0.113.10:80, server 10.0.0.2:80: the data path has room for 1 servers, and all are taken");
  EXPECT_THAT(changes<PutTable>().at(0).slots, ElementsAre(index_of(web_name, "10.0.0.1:80")));
}

TEST_F(PlannerTest, RoundRobinIgnoresWeightsAndWeightedDoesNot) {
  web().servers[0].weight = 3;
  run();
  EXPECT_THAT(changes<PutTable>().at(0).slots, SizeIs(2));
  web().scheduler = config::Scheduler::wrr;
  run();
  EXPECT_THAT(changes<PutTable>().at(0).slots, SizeIs(4));
}

}  // namespace
}  // namespace ballast::forwardd::xdp
