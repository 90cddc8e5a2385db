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
    maps.limits = {.services = 8, .servers = 16, .roles = 4, .locals = 16};
    desired.services = {service("203.0.113.10:80", {server("10.0.0.1:80"), server("10.0.0.2:80")})};
  }

  Plan make(PlannedServices before = {}) {
    return make_plan(
        maps, desired, find_in(hops), [this](std::uint32_t server) { return busy.contains(server); },
        std::move(before));
  }

  void run() {
    plan = make(std::move(plan.services));
    for (const auto& change : plan.changes) {
      apply(maps, change);
      check_invariants();
    }
    EXPECT_THAT(make(plan.services).changes, SizeIs(make().changes.size())) << "what is passed over needs no write";
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
    for (const auto& service : maps.services) {
      for (const auto& range : service.locals) {
        for (std::uint32_t index = range.first; index < range.first + std::uint32_t{range.count}; ++index) {
          const auto& local = maps.locals.at(index);
          EXPECT_EQ(local.used, 1U) << "a new connection would get a LIP that is none";
          const auto bit = filter_bit(net::IpAddress::v6(local.address));
          EXPECT_NE(maps.filters.local[bit / 8] & 1U << (bit % 8), 0) << "a LIP that the filter hides";
        }
      }
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
  /// The LIPs that new connections of the service get.
  std::vector<std::string> locals_in(const layout::local_range& range) {
    std::vector<std::string> found;
    for (std::uint32_t index = range.first; index < range.first + std::uint32_t{range.count}; ++index)
      found.push_back(net::IpAddress::v6(maps.locals.at(index).address).to_string());
    return found;
  }
  layout::local_range range4(const std::string& name = web_name) {
    return maps.services.at(plan.services.at(name).index).locals[0];
  }
  layout::local_range range6(const std::string& name = web_name) {
    return maps.services.at(plan.services.at(name).index).locals[1];
  }
  void have_locals(DesiredService& service, const std::vector<std::string>& locals) {
    service.local_addresses.clear();
    for (const auto& text : locals) service.local_addresses.push_back(ip(text));
    run();
  }
  std::size_t used_locals() {
    return static_cast<std::size_t>(
        std::ranges::count_if(maps.locals, [](const auto& local) { return local.used != 0; }));
  }

  static constexpr RoleState master{.forwarding = true, .known = true};
  static constexpr RoleState backup{.forwarding = false, .known = true};
  DesiredService& web() { return desired.services[0]; }
  static constexpr auto web_name = "tcp:203.0.113.10:80";

  Mirror maps;
  DesiredState desired;
  NextHops hops;
  std::set<std::uint32_t> busy;  ///< servers that have connections
  Plan plan;
};

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

TEST_F(PlannerTest, ConnectionsByFullNatKeepTheirLocalAddressesWhenTheServiceHasNone) {
  for (auto& each : web().servers) each.method = config::Method::fnat;
  have_locals(web(), {"10.0.0.8", "10.0.0.9"});
  busy = {index_of(web_name, "10.0.0.2:80")};
  for (auto& each : web().servers) each.method = config::Method::nat;
  have_locals(web(), {});
  run();
  EXPECT_EQ(range4().count, 0);
  EXPECT_EQ(used_locals(), 2U);
  const auto bit = filter_bit(ip("10.0.0.9"));
  EXPECT_NE(maps.filters.local[bit / 8] & 1U << (bit % 8), 0);
  busy.clear();
  run();
  EXPECT_EQ(used_locals(), 0U);
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

TEST_F(PlannerTest, AServiceHasItsLocalAddressesSideBySideOneRangeAFamily) {
  web().client_address = config::ClientAddress::proxy_v2;
  have_locals(web(), {"10.0.1.1", "fd00:1::1", "10.0.1.2", "10.0.1.1"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2"));
  EXPECT_THAT(locals_in(range6()), ElementsAre("fd00:1::1"));
  EXPECT_GT(range4().first, 0) << "index 0 is none";
  EXPECT_EQ(maps.services[plan.services[web_name].index].client_address, layout::CLIENT_PROXY_V2);
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
}

TEST_F(PlannerTest, ALocalAddressThatStaysKeepsItsIndexAndGeneration) {
  have_locals(web(), {"10.0.1.1", "10.0.1.2"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.3", "10.0.1.2", "10.0.1.1"});
  EXPECT_EQ(range4().first, first);
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  have_locals(web(), {"10.0.1.2", "10.0.1.4", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.4", "10.0.1.2", "10.0.1.3"));
  EXPECT_EQ(maps.locals[first].generation, 2U) << "its connections are another LIP's";
  EXPECT_EQ(maps.locals[first + 1].generation, 1U);
}

TEST_F(PlannerTest, ARangeHasNoHolesAndAMovedLocalAddressKeepsItsConnections) {
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.2", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.3", "10.0.1.2"));
  EXPECT_EQ(maps.locals[first + 2].used, 1U) << "connections lead to it still";
  EXPECT_EQ(maps.locals[first + 2].generation, 1U);
  have_locals(web(), {"10.0.1.2"});
  EXPECT_EQ(used_locals(), 2U) << "10.0.1.2 where it is and where it was";
  have_locals(web(), {});
  EXPECT_EQ(used_locals(), 0U);
}

TEST_F(PlannerTest, ARangeThatCannotGrowMovesAndItsConnectionsStay) {
  web().local_addresses = {ip("10.0.1.1")};
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  have_locals(desired.services[1], {"10.0.1.1"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  EXPECT_NE(range4().first, first);
  EXPECT_EQ(maps.locals[first].used, 1U);
  EXPECT_EQ(maps.locals[first].generation, 1U);
}

TEST_F(PlannerTest, OneFamilyDoesNotDisturbTheOther) {
  have_locals(web(), {"10.0.1.1", "fd00:1::1"});
  const auto six = range6().first;
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3", "fd00:1::1"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  EXPECT_EQ(range6().first, six);
  EXPECT_EQ(maps.locals[six].generation, 1U);
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

TEST_F(PlannerTest, TooManyLocalAddressesAreAnErrorThatNamesTheService) {
  std::vector<std::string> many;
  for (int i = 1; i <= 16; ++i) many.push_back(fmt::format("10.0.1.{}", i));
  have_locals(web(), many);
  ASSERT_THAT(plan.errors, SizeIs(1));
  EXPECT_EQ(plan.errors[0].message,
            "service tcp:203.0.113.10:80: the data path has room for 15 local addresses of all services, and too few "
            "are left for its 16");
  EXPECT_EQ(range4().count, 0);
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
