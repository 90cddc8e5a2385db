#include "tools/ballastctl/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {
using testing::SizeIs;

constexpr double now = 1'800'000'000;

bus::VrrpState instance() {
  bus::VrrpState state;
  state.name = "VI_1";
  state.state = bus::VrrpRole::master;
  state.interface = "eth0";
  state.vrid = 51;
  state.priority = 130;
  state.configured_priority = 150;
  state.master = "10.0.0.11";
  state.since = now - 185;
  state.reason = "no advertisement from 10.0.0.12 for 3.61 s";
  state.virtual_addresses = {"10.0.0.100/24", "10.0.0.101/24"};
  return state;
}

bus::ServiceServer server(const std::string& address, bus::ServerStatus state, const std::string& reason) {
  bus::ServiceServer result;
  result.address = address;
  result.port = 80;
  result.method = config::Method::dr;
  result.weight = 1;
  result.state = state;
  result.reason = reason;
  return result;
}

bus::ServiceState service() {
  bus::ServiceState state;
  state.name = "tcp:10.0.0.100:80";
  state.address = "10.0.0.100";
  state.port = 80;
  state.method = config::Method::dr;
  state.scheduler = config::Scheduler::wrr;
  state.state = bus::ServerStatus::up;
  state.forwarding = true;
  state.servers = {server("10.1.0.2", bus::ServerStatus::up, "GET /health: status 200"),
                   server("10.1.0.3", bus::ServerStatus::down, "connect to 10.1.0.3:80: refused"),
                   server("2001:db8::4", bus::ServerStatus::drain, "drained by root")};
  state.servers[0].active = 1234;
  state.servers[0].inactive = 56;
  state.servers[0].weight = 10;
  return state;
}

Topics node(const std::vector<std::string>& roles) {
  Topics topics;
  for (const auto& role : roles) topics["node/" + role] = bus::NodeState{role, "0.1.0", 42, now - 11'520};
  return topics;
}

Sources healthy() {
  Sources sources{"lb1", node({"ballastd", "vrrpd", "scriptd", "checkd", "forwardd"}), std::nullopt, std::nullopt};
  sources.topics["vrrp/VI_1"] = instance();
  sources.topics["service/tcp:10.0.0.100:80"] = service();
  return sources;
}

TEST(Status, IsATableToReadAtNight) {
  EXPECT_EQ(render(gather(healthy()), now, false),
            R"(lb1, Ballast 0.1.0, up 3 h 12 min
  running: ballastd, vrrpd, scriptd, checkd, forwardd

  VRRP  STATE   INTERFACE  VRID    PRIORITY  MASTER     FOR        REASON
  VI_1  MASTER  eth0         51  130 of 150  10.0.0.11  3 min 5 s  no advertisement from 10.0.0.12 for 3.61 s
    10.0.0.100/24, 10.0.0.101/24

    SERVER            STATE  METHOD  WEIGHT  ACTIVE  INACTIVE  REASON
  tcp:10.0.0.100:80  up  xdp DR wrr
    10.1.0.2:80       up     DR          10    1234        56  GET /health: status 200
    10.1.0.3:80       down   DR           1       0         0  connect to 10.1.0.3:80: refused
    [2001:db8::4]:80  drain  DR           1       0         0  drained by root
)");
}

TEST(Status, SaysWhatAMissingDaemonMeans) {
  auto sources = healthy();
  sources.topics.erase("node/forwardd");
  sources.topics.erase("node/checkd");
  const auto text = render(gather(sources), now, false);
  EXPECT_TRUE(
      text.starts_with("lb1, Ballast 0.1.0, up 3 h 12 min\n"
                       "  running: ballastd, vrrpd, scriptd\n"
                       "  checkd: not running, servers keep the health last known\n"
                       "  forwardd: not running, packets keep flowing\n"))
      << text;
}

TEST(Status, OfABackupSaysWhyItDoesNotForward) {
  auto sources = healthy();
  auto standby = service();
  standby.forwarding = false;
  standby.reason = "VI_1 is BACKUP";
  sources.topics["service/tcp:10.0.0.100:80"] = standby;
  EXPECT_THAT(render(gather(sources), now, false),
              testing::HasSubstr("\n  tcp:10.0.0.100:80  up  xdp DR wrr, not forwarding here (VI_1 is BACKUP)\n"));
}

TEST(Status, OfAnEmptyNodeSaysSo) {
  const auto text =
      render(gather({"lb1", node({"ballastd", "vrrpd", "scriptd", "checkd", "forwardd"}), std::nullopt, std::nullopt}),
             now, false);
  EXPECT_THAT(text, testing::EndsWith("\n  no VRRP instance\n\n  no virtual server\n"));
}

TEST(Status, IsColouredOnlyWhenAsked) {
  const auto status = gather(healthy());
  EXPECT_EQ(render(status, now, false).find('\x1b'), std::string::npos);
  EXPECT_THAT(render(status, now, true), testing::HasSubstr("\x1b[32mMASTER\x1b[0m"));
}

// The fields that scripts rely on.
TEST(Status, HasItsPromisedFieldsInJson) {
  const auto json = to_json(gather(healthy()));
  EXPECT_EQ(json["node"], nlohmann::json({{"name", "lb1"}, {"version", "0.1.0"}, {"since", now - 11'520}}));
  ASSERT_THAT(json["vrrp"], SizeIs(1));
  const auto& vrrp = json["vrrp"][0];
  for (const auto* field :
       {"name", "state", "interface", "vrid", "priority", "master", "since", "reason", "virtual_addresses"}) {
    EXPECT_TRUE(vrrp.contains(field)) << field;
  }
  EXPECT_EQ(vrrp["state"], "MASTER");
  ASSERT_THAT(json["services"], SizeIs(1));
  const auto& first = json["services"][0];
  for (const auto* field :
       {"name", "address", "port", "protocol", "engine", "method", "scheduler", "state", "servers"}) {
    EXPECT_TRUE(first.contains(field)) << field;
  }
  EXPECT_EQ(first["state"], "up");
  EXPECT_EQ(first["engine"], "xdp");
  EXPECT_EQ(first["protocol"], "tcp");
  ASSERT_THAT(first["servers"], SizeIs(3));
  for (const auto* field : {"address", "port", "method", "weight", "state", "reason", "active", "inactive"}) {
    EXPECT_TRUE(first["servers"][0].contains(field)) << field;
  }
  EXPECT_EQ(first["servers"][2]["state"], "drain");
}

TEST(Status, PrefersForwarddsFreshCounters) {
  auto sources = healthy();
  auto fresh = service();
  fresh.servers[0].active = 9999;
  sources.fresh = {fresh};
  EXPECT_EQ(gather(sources).services.at(0).servers.at(0).active, 9999U);
}

TEST(Status, WithoutForwarddsWordIsMadeFromConfigurationAndHealth) {
  auto sources = healthy();
  sources.topics.erase("service/tcp:10.0.0.100:80");
  config::VirtualServer configured;
  configured.name = "tcp:10.0.0.100:80";
  configured.endpoints = {net::Endpoint::parse("10.0.0.100:80").value()};
  configured.real_servers.resize(3);
  for (std::size_t i = 0; i < 3; ++i) {
    configured.real_servers[i].endpoint = net::Endpoint::parse(fmt::format("10.1.0.{}:80", i + 2)).value();
  }
  sources.model.emplace().virtual_servers = {configured};
  bus::ServerHealth up{configured.name, "10.1.0.2:80", true, now, 1, "connect to 10.1.0.2:80: accepted", 1};
  bus::ServerAdmin drained{configured.name, "10.1.0.4:80", bus::AdminState::drain, "root", now};
  sources.topics["health/" + up.service + "/" + up.server] = up;
  sources.topics["admin/" + drained.service + "/" + drained.server] = drained;

  const auto status = gather(sources);
  ASSERT_THAT(status.services, SizeIs(1));
  const auto& made = status.services[0];
  EXPECT_EQ(made.address, "10.0.0.100");
  EXPECT_EQ(made.state, bus::ServerStatus::up);
  ASSERT_THAT(made.servers, SizeIs(3));
  EXPECT_EQ(made.servers[0].state, bus::ServerStatus::up);
  EXPECT_EQ(made.servers[0].reason, "connect to 10.1.0.2:80: accepted");
  EXPECT_EQ(made.servers[1].reason, "not known to checkd");
  EXPECT_EQ(made.servers[2].state, bus::ServerStatus::drain);
  EXPECT_EQ(made.servers[2].reason, "drained by root");
}

TEST(Status, LeavesOutAValueItCannotRead) {
  auto sources = healthy();
  sources.topics["vrrp/VI_2"] = {{"name", "VI_2"}};
  EXPECT_THAT(gather(sources).vrrp, SizeIs(1));
}

}  // namespace
}  // namespace ballast::ctl
