#include <arpa/inet.h>

#include "tests/unit/forwardd/planning.hpp"

namespace ballast::forwardd::xdp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PlannerTest, TheSameStateTwiceWritesNothing) {
  run();
  EXPECT_THAT(plan.changes, ::testing::Not(IsEmpty()));
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
}

TEST_F(PlannerTest, AServiceThatMovesToAnotherRoleTakesNobodysAway) {
  web().role = "VI_1";
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  desired.services[1].role = "VI_2";
  desired.roles = {{"VI_1", master}, {"VI_2", backup}};
  run();
  web().role = "VI_2";
  run();
  const auto role = [&](std::size_t index) { return maps.services[index].role; };
  EXPECT_EQ(role(1), role(2));
  EXPECT_TRUE(maps.roles.size() <= role(1) || maps.roles[role(1)] == 0) << "VI_2 is BACKUP";
}

TEST_F(PlannerTest, OneOfManyChangesAndTheOthersArePassedOver) {
  for (int number = 1; number < 7; ++number)
    desired.services.push_back(service(fmt::format("203.0.113.1{}:80", number), {server("10.0.0.1:80")}));
  run();
  run();
  desired.services[3].servers[0].upper_threshold = 9;
  run();
  ASSERT_THAT(plan.changes, ::testing::Not(IsEmpty()));
  for (const auto& put : changes<PutServer>()) EXPECT_EQ(put.extra.upper_threshold, 9U);
  EXPECT_THAT(plan.services, SizeIs(7));
  desired.services.erase(std::as_const(desired.services).begin());
  run();
  EXPECT_THAT(plan.services, SizeIs(6));
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

TEST_F(PlannerTest, AServerReachedInAnotherWayKeepsItsConnectionsInTheFormerOne) {
  run();
  const auto former = index_of(web_name, "10.0.0.1:80");
  busy = {former};
  for (auto& each : web().servers) each.method = config::Method::dr;
  run();
  EXPECT_NE(index_of(web_name, "10.0.0.1:80"), former);
  EXPECT_EQ(maps.servers[former].method, layout::METHOD_NAT);
  EXPECT_EQ(maps.servers[former].flags, layout::SERVER_USED | layout::SERVER_UP);
  EXPECT_EQ(maps.servers[former].generation, 1U) << "its connections go on";
  EXPECT_EQ(maps.servers[former].weight, 0U) << "and no new ones come";
  ASSERT_THAT(changes<PutTable>(), SizeIs(1));
  EXPECT_THAT(changes<PutTable>()[0].slots, ::testing::Not(::testing::Contains(former)));
  EXPECT_THAT(plan.services.at(web_name).former, SizeIs(2)) << "a connection may have begun while the plan was made";
  run();
  EXPECT_THAT(plan.services.at(web_name).former, ElementsAre(::testing::Pair("10.0.0.1:80", former)));
  web().servers[0].status = ServerStatus::down;
  run();
  EXPECT_EQ(maps.servers[former].flags, layout::SERVER_USED) << "both ways end at one machine";
  busy.clear();
  run();
  EXPECT_EQ(maps.servers[former].flags, 0);
  EXPECT_TRUE(same(maps.filters,
                   [] {
                     layout::filters expected{};
                     const auto bit = filter_bit(ip("203.0.113.10"));
                     expected.destination[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
                     return expected;
                   }()))
      << "no answer passes any more";
}

TEST_F(PlannerTest, ThereAndBackIsTheSameServerAgain) {
  run();
  const auto former = index_of(web_name, "10.0.0.1:80");
  busy = {former};
  web().servers[0].method = config::Method::dr;
  run();
  const auto between = index_of(web_name, "10.0.0.1:80");
  busy = {former, between};
  web().servers[0].method = config::Method::nat;
  run();
  EXPECT_EQ(index_of(web_name, "10.0.0.1:80"), former);
  EXPECT_EQ(maps.servers[former].generation, 1U);
  EXPECT_EQ(maps.servers[former].weight, 1U);
  EXPECT_THAT(plan.services.at(web_name).former, ElementsAre(::testing::Pair("10.0.0.1:80", between)));
  web().servers.erase(web().servers.begin());
  run();
  EXPECT_EQ(maps.servers[former].flags | maps.servers[between].flags, 0) << "a server that goes takes all of it along";
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
    plan = make();
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
  desired.roles["VI_1"] = backup;
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  desired.services[1].role = "VI_1";
  desired.services.push_back(service("203.0.113.12:80", {server("10.0.0.1:80")}));
  run();
  const auto role = plan.roles.at("VI_1");
  EXPECT_NE(role, 0U);
  EXPECT_EQ(maps.services[1].role, role);
  EXPECT_EQ(maps.services[2].role, role);
  EXPECT_EQ(maps.services[3].role, 0U);
  desired.roles["VI_1"] = master;
  run();
  ASSERT_THAT(plan.changes, SizeIs(1)) << "a change of role is one write";
  EXPECT_EQ(changes<PutRole>().at(0).value, 1U);
}

TEST_F(PlannerTest, AnUnknownRoleKeepsWhatTheAdoptedDataPathDid) {
  web().role = "VI_1";
  desired.roles["VI_1"] = master;
  run();
  desired.roles["VI_1"] = {};
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
  desired.roles["VI_1"] = backup;
  run();
  EXPECT_EQ(changes<PutRole>().at(0).value, 0U);
}

TEST_F(PlannerTest, AFreshServiceOfUnknownRoleDoesNotForward) {
  web().role = "VI_1";
  desired.roles["VI_1"] = {};
  run();
  EXPECT_THAT(plan.roles, ::testing::Contains(::testing::Key("VI_1")));
  EXPECT_TRUE(maps.roles.size() <= plan.roles["VI_1"] || maps.roles[plan.roles["VI_1"]] == 0);
}

TEST_F(PlannerTest, ANewNextHopWritesOnlyTheServersBehindIt) {
  run();
  hops[ip("10.0.0.2")] = {3, *net::MacAddress::parse("02:00:00:00:00:0a"),
                          *net::MacAddress::parse("02:00:00:00:00:0b")};
  const auto changes = plan_next_hops(maps, find_in(hops));
  ASSERT_THAT(changes, SizeIs(1));
  const auto& put = std::get<PutServer>(changes[0]);
  EXPECT_EQ(put.index, index_of(web_name, "10.0.0.2:80"));
  EXPECT_NE(put.value.flags & layout::SERVER_REACHABLE, 0);
  apply(maps, changes[0]);
  EXPECT_THAT(plan_next_hops(maps, find_in(hops)), IsEmpty());
  hops.clear();
  EXPECT_EQ(std::get<PutServer>(plan_next_hops(maps, find_in(hops)).at(0)).value.flags & layout::SERVER_REACHABLE, 0);
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

TEST_F(PlannerTest, FormerEntriesGiveWayWhereThereIsNoRoomElse) {
  std::vector<std::string> many;
  for (int i = 1; i <= 7; ++i) many.push_back(fmt::format("10.0.1.{}", i));
  have_locals(web(), many);
  many.erase(many.begin(), many.begin() + 3);
  have_locals(web(), many);
  EXPECT_GT(used_locals(), many.size());
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  std::vector<std::string> others;
  for (int i = 1; i <= 11; ++i) others.push_back(fmt::format("10.0.2.{}", i));
  have_locals(desired.services[1], others);
  EXPECT_THAT(plan.errors, IsEmpty());
  EXPECT_THAT(locals_in(range4(desired.services[1].name)), SizeIs(11));
  EXPECT_EQ(used_locals(), 15U);
}

TEST_F(PlannerTest, FullNatKeepsConnectionsThoughOnePacketSchedulingIsAskedFor) {
  web().one_packet = true;
  run();
  EXPECT_NE(maps.services[1].flags & layout::SERVICE_ONE_PACKET, 0U);
  web().servers[1].method = config::Method::fnat;
  run();
  EXPECT_EQ(maps.services[1].flags & layout::SERVICE_ONE_PACKET, 0U);
}

TEST_F(PlannerTest, AServersIndexRemembersWhoseItWas) {
  run();
  const auto index = index_of(web_name, "10.0.0.2:80");
  web().servers.pop_back();
  run();
  web().servers.push_back(server("10.0.0.9:81"));
  run();
  ASSERT_EQ(index_of(web_name, "10.0.0.9:81"), index);
  EXPECT_EQ(net::IpAddress::v6(maps.extras[index].former_address), ip("10.0.0.2"));
  EXPECT_EQ(ntohs(maps.extras[index].former_port), 80);
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
