// What IPVS should hold, the difference to what it holds, and its list of connections.
#include <gmock/gmock.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>

#include "daemons/forwardd/ipvs/connections.hpp"
#include "daemons/forwardd/ipvs/pause.hpp"
#include "daemons/forwardd/ipvs/table.hpp"

namespace ballast::forwardd::ipvs {
namespace {

using bus::ServerStatus;
using config::Method;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

net::Endpoint endpoint(const char* text) { return *net::Endpoint::parse(text); }

DesiredService web() {
  DesiredService service;
  service.name = "tcp:192.0.2.1:80";
  service.endpoints = {endpoint("192.0.2.1:80")};
  service.scheduler = config::Scheduler::rr;
  for (const auto* server : {"10.0.0.1:80", "10.0.0.2:80"})
    service.servers.push_back({.endpoint = endpoint(server), .weight = 1, .status = ServerStatus::up});
  return service;
}

ServiceKey key(const char* text) { return {net::Family::ipv4, 0, IPPROTO_TCP, endpoint(text)}; }

std::vector<std::string> words(const std::vector<Change>& changes) {
  std::vector<std::string> all;
  for (const auto& change : changes) all.push_back(change.to_string());
  return all;
}

std::vector<Change> difference(const Service* from, const Service* to) {
  std::vector<Change> changes;
  add_difference(key("192.0.2.1:80"), from, to, changes);
  return changes;
}

TEST(IpvsTable, EachAddressAndMarkOfAServiceIsOneOfIpvs) {
  auto service = web();
  service.endpoints.push_back(endpoint("192.0.2.2:8080"));
  service.fwmarks = {7};
  service.servers[1].endpoint.port = 0;
  const auto table = translate(service);
  ASSERT_EQ(table.size(), 3U);
  EXPECT_TRUE(table.at(key("192.0.2.1:80")).destinations.contains(endpoint("10.0.0.2:80")));
  EXPECT_TRUE(table.at(key("192.0.2.2:8080")).destinations.contains(endpoint("10.0.0.2:8080")));
  EXPECT_TRUE(table.at({net::Family::ipv4, 7, 0, {}}).destinations.contains(endpoint("10.0.0.2:0")));
}

TEST(IpvsTable, WithoutNatAServerOfAMarkHasNoPort) {
  auto service = web();
  service.endpoints.clear();
  service.fwmarks = {7};
  service.servers[0].method = Method::dr;
  const auto destinations = translate(service).at({net::Family::ipv4, 7, 0, {}}).destinations;
  EXPECT_TRUE(destinations.contains(endpoint("10.0.0.1:0")));
  EXPECT_TRUE(destinations.contains(endpoint("10.0.0.2:80")));
}

TEST(IpvsTable, OptionsAreIpvssFlags) {
  auto service = web();
  service.persistence_timeout = std::chrono::milliseconds{1500};
  service.persistence_prefix4 = 24;
  service.hash_port = service.hash_fallback = service.third_flag = service.one_packet = true;
  service.persistence_engine = "sip";
  const auto settings = translate(service).begin()->second.settings;
  EXPECT_EQ(settings, (Settings{"rr",
                                IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET | IP_VS_SVC_F_SCHED_SH_FALLBACK |
                                    IP_VS_SVC_F_SCHED_SH_PORT | IP_VS_SVC_F_SCHED3,
                                2, 24, "sip"}));
}

TEST(IpvsTable, AServerThatIsDownIsThereOnlyForItsConnections) {
  auto service = web();
  service.servers[0].status = service.servers[1].status = ServerStatus::down;
  service.servers[0].weight = service.servers[1].weight = 0;
  service.servers[1].keeps_connections = false;
  const auto destinations = translate(service).begin()->second.destinations;
  ASSERT_EQ(destinations.size(), 1U);
  EXPECT_EQ(destinations.at(endpoint("10.0.0.1:80")).weight, 0U);
}

TEST(IpvsTable, TheDifferenceIsTheSmallest) {
  const auto before = translate(web()).begin()->second;
  EXPECT_THAT(difference(&before, &before), IsEmpty());
  EXPECT_THAT(words(difference(nullptr, &before)),
              ElementsAre("add service tcp 192.0.2.1:80 with scheduler rr",
                          "add server 10.0.0.1:80 of tcp 192.0.2.1:80", "add server 10.0.0.2:80 of tcp 192.0.2.1:80"));
  EXPECT_THAT(words(difference(&before, nullptr)), ElementsAre("remove service tcp 192.0.2.1:80"));
  auto service = web();
  service.scheduler = config::Scheduler::wlc;
  service.servers[0].weight = 5;
  service.servers[1].endpoint = endpoint("10.0.0.3:80");
  const auto after = translate(service).begin()->second;
  const auto changes = difference(&before, &after);
  EXPECT_THAT(
      words(changes),
      ElementsAre("change service tcp 192.0.2.1:80", "change server 10.0.0.1:80 of tcp 192.0.2.1:80",
                  "add server 10.0.0.3:80 of tcp 192.0.2.1:80", "remove server 10.0.0.2:80 of tcp 192.0.2.1:80"))
      << "a server comes before another goes";
  Table table{{key("192.0.2.1:80"), before}};
  for (const auto& change : changes) carry_out(change, table);
  EXPECT_EQ(table.at(key("192.0.2.1:80")), after);
}

TEST(IpvsTable, OnlyAnotherSchedulerLeavesAServiceWithoutOneForAMoment) {
  const auto before = translate(web()).at(key("192.0.2.1:80"));
  auto heavier = before;
  heavier.destinations.begin()->second.weight = 7;
  auto persistent = before;
  persistent.settings.flags = IP_VS_SVC_F_PERSISTENT;
  auto other = before;
  other.settings.scheduler = "wlc";
  const auto any = [](const auto& changes) { return std::ranges::any_of(changes, &Change::reschedules); };
  EXPECT_FALSE(any(difference(nullptr, &before)));
  EXPECT_FALSE(any(difference(&before, &heavier)));
  EXPECT_FALSE(any(difference(&before, &persistent)));
  EXPECT_FALSE(any(difference(&before, nullptr)));
  EXPECT_TRUE(any(difference(&before, &other)));
}

TEST(IpvsPauseText, HoldsTheSynsOfTheseServicesAlone) {
  const auto six = net::Endpoint::parse("[2001:db8::1]:443");
  const std::vector<ServiceKey> services{key("192.0.2.1:80"),
                                         {net::Family::ipv6, 0, IPPROTO_TCP, *six},
                                         {net::Family::ipv4, 0, IPPROTO_TCP, {endpoint("192.0.2.2:1").address, 0}},
                                         {net::Family::ipv6, 7, 0, {}},
                                         {net::Family::ipv4, 0, IPPROTO_UDP, endpoint("192.0.2.1:53")}};
  EXPECT_EQ(pause_text(services), R"(table inet ballast_pause {
  flags owner
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr 192.0.2.1 tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn drop
    ip6 daddr 2001:db8::1 tcp dport 443 tcp flags & (fin | syn | rst | ack) == syn drop
    ip daddr 192.0.2.2 tcp flags & (fin | syn | rst | ack) == syn drop
    meta nfproto ipv6 meta mark 7 tcp flags & (fin | syn | rst | ack) == syn drop
  }
}
)");
  EXPECT_THAT(pause_text(std::span{services}.last(1)), IsEmpty());
  EXPECT_THAT(pause_text({}), IsEmpty());
}

TEST(IpvsConnections, ALineIsReadInBothFamilies) {
  const auto v4 = read_connection("TCP C6336407 9C40 CB00710A 0050 0A000001 1F90 ESTABLISHED     899\n");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->protocol, "tcp");
  EXPECT_EQ(v4->client, endpoint("198.51.100.7:40000"));
  EXPECT_EQ(v4->virtual_endpoint, endpoint("203.0.113.10:80"));
  EXPECT_EQ(v4->server, endpoint("10.0.0.1:8080"));
  EXPECT_EQ(v4->state, "ESTABLISHED");
  EXPECT_EQ(v4->expires, 899U);
  const auto v6 = read_connection(
      "UDP 2001:0db8:0000:0000:0000:0000:0000:0007 9C40 2001:0db8:0000:0000:0000:0000:0000:000a 0035 "
      "fd00:0000:0000:0000:0000:0000:0000:0001 0035 UDP             299 sip call-1");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->client, endpoint("[2001:db8::7]:40000"));
  EXPECT_EQ(v6->server, endpoint("[fd00::1]:53"));
}

TEST(IpvsConnections, WhatIsNoLineIsPassedOver) {
  EXPECT_FALSE(read_connection("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"));
  EXPECT_FALSE(read_connection(""));
  const std::string line = "TCP C6336407 9C40 CB00710A 0050 0A000001 1F90 ESTABLISHED 899";
  for (std::size_t length = 0; length < line.rfind(' ') + 2; ++length)
    EXPECT_FALSE(read_connection(line.substr(0, length))) << length;
  for (const auto* bad : {"G6336407", "C633640", "1.2.3", "::zz"})
    EXPECT_FALSE(read_connection(fmt::format("TCP {} 9C40 CB00710A 0050 0A000001 1F90 ESTABLISHED 899", bad))) << bad;
}

}  // namespace
}  // namespace ballast::forwardd::ipvs
