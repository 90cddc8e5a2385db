#include "tools/ballastctl/conditions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/loader.hpp"

namespace ballast::ctl {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

const std::string service = "tcp:10.0.0.100:80";

bus::VrrpState instance(const std::string& name, bus::VrrpRole role, const std::string& reason = {}) {
  bus::VrrpState state;
  state.name = name;
  state.state = role;
  state.reason = reason;
  return state;
}

bus::ServiceState served(bus::ServerStatus first, bus::ServerStatus second = bus::ServerStatus::up) {
  bus::ServiceState state;
  state.name = service;
  state.state = bus::ServerStatus::up;
  state.servers.resize(2);
  state.servers[0].address = "10.1.0.1";
  state.servers[0].port = 80;
  state.servers[0].state = first;
  state.servers[1].address = "2001:db8::1";
  state.servers[1].port = 80;
  state.servers[1].state = second;
  state.servers[1].reason = "drained by root";
  return state;
}

bus::ServerHealth health(const std::string& reason, unsigned checks = 1) {
  bus::ServerHealth made;
  made.service = service;
  made.server = "10.1.0.1:80";
  made.up = true;
  made.reason = reason;
  made.checks = checks;
  return made;
}

/// What is not so; empty: all of it is.
std::string unmet_of(const std::vector<std::string>& words, const NodeView& view) {
  const auto conditions = parse_conditions(words);
  if (!conditions) return conditions.error().message;
  for (const auto& condition : *conditions) {
    if (auto instead = unmet(condition, view)) return *instead;
  }
  return {};
}

std::string parse_error(const std::vector<std::string>& words) {
  const auto conditions = parse_conditions(words);
  return conditions ? "" : conditions.error().message;
}

TEST(Conditions, AreReadOneAfterAnother) {
  const std::vector<std::string> words{"instance", "VI_1", "master", "ready", "server", service, "10.1.0.1", "DRAIN"};
  EXPECT_THAT(*parse_conditions(words), ElementsAre(Condition{ConditionKind::instance, "VI_1", "", "MASTER"},
                                                    Condition{ConditionKind::ready, "", "", ""},
                                                    Condition{ConditionKind::server, service, "10.1.0.1", "drain"}));
}

TEST(Conditions, AWrongWordIsAnsweredByTheValidOnes) {
  EXPECT_EQ(parse_error({"frob"}),
            "'frob' is no condition; there are instance, group, server, service, ready, reloaded");
  EXPECT_EQ(parse_error({"instance", "A"}), "'instance' wants NAME STATE, one of INIT, BACKUP, MASTER, FAULT");
  EXPECT_EQ(parse_error({"service", "A", "drain"}), "'drain' is no state of a service; there are up, down");
  EXPECT_EQ(parse_error({"server", "A", "B"}), "'server' wants SERVICE SERVER STATE, one of up, down, drain");
}

TEST(Conditions, AnInstanceHasItsRole) {
  const Topics topics{{"vrrp/A", instance("A", bus::VrrpRole::master)},
                      {"vrrp/B", instance("B", bus::VrrpRole::fault, "eth0 is down")}};
  const NodeView view{topics};
  EXPECT_EQ(unmet_of({"instance", "A", "MASTER", "instance", "B", "FAULT"}, view), "");
  EXPECT_EQ(unmet_of({"instance", "B", "MASTER"}, view), "instance B is FAULT (eth0 is down), not MASTER");
  EXPECT_EQ(unmet_of({"instance", "C", "MASTER"}, view), "there is no instance C: there are A, B");
}

TEST(Conditions, AServerIsAsForwardingHasIt) {
  const Topics topics{{"service/s", served(bus::ServerStatus::up, bus::ServerStatus::drain)},
                      {"health/s", health("status 500")}};
  const NodeView view{topics};
  EXPECT_EQ(unmet_of({"server", service, "10.1.0.1:80", "up", "server", service, "10.1.0.1", "up"}, view), "");
  EXPECT_EQ(unmet_of({"server", service, "2001:db8::1", "drain"}, view), "");
  EXPECT_EQ(unmet_of({"server", service, "[2001:db8::1]:80", "up"}, view),
            "server tcp:10.0.0.100:80 [2001:db8::1]:80 is drain (drained by root), not up");
  EXPECT_EQ(unmet_of({"server", service, "10.1.0.9", "up"}, view),
            "service tcp:10.0.0.100:80 has no server 10.1.0.9: there are 10.1.0.1:80, [2001:db8::1]:80");
}

TEST(Conditions, WithoutAForwarderChecksAndOperatorsSay) {
  Topics topics{{"health/s", health("status 200")}};
  EXPECT_EQ(unmet_of({"server", service, "10.1.0.1", "up"}, NodeView{topics}), "");
  topics["admin/s"] = bus::ServerAdmin{service, "10.1.0.1:80", bus::AdminState::drain, "root", 0};
  EXPECT_EQ(unmet_of({"server", service, "10.1.0.1", "drain"}, NodeView{topics}), "");
  EXPECT_EQ(unmet_of({"server", service, "10.1.0.1", "up"}, NodeView{topics}),
            "server tcp:10.0.0.100:80 10.1.0.1:80 is drain (by root), not up");
}

TEST(Conditions, AServiceIsUpOrDown) {
  const Topics topics{{"service/s", served(bus::ServerStatus::up)}};
  EXPECT_EQ(unmet_of({"service", service, "up"}, NodeView{topics}), "");
  EXPECT_EQ(unmet_of({"service", service, "down"}, NodeView{topics}), "service tcp:10.0.0.100:80 is up, not down");
  EXPECT_EQ(unmet_of({"service", "x", "up"}, NodeView{topics}), "there is no service x: there are tcp:10.0.0.100:80");
}

TEST(Conditions, ANodeIsReadyWhenAllDaemonsTellAllOfTheConfiguration) {
  const auto loaded = config::load_text(
      "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.100\n }\n}\n"
      "virtual_server 10.0.0.100 80 {\n protocol TCP\n real_server 10.1.0.1 80 {\n TCP_CHECK {\n }\n }\n}\n",
      "f", {.config_id = "x", .environment = {}, .strict = false});
  Topics topics;
  const auto unready = [&] { return unmet_of({"ready"}, NodeView{topics, &loaded.model}); };
  EXPECT_EQ(unready(), "vrrpd is not there, and 3 more");
  for (const auto* role : {"vrrpd", "scriptd", "checkd", "forwardd"}) topics[std::string{"node/"} + role] = 1;
  EXPECT_THAT(unready(), HasSubstr("vrrpd tells nothing of instance A, and 2 more"));
  topics["vrrp/A"] = instance("A", bus::VrrpRole::init, "starting");
  EXPECT_THAT(unready(), HasSubstr("instance A is INIT (starting)"));
  topics["vrrp/A"] = instance("A", bus::VrrpRole::backup);
  EXPECT_THAT(unready(), HasSubstr("forwardd tells nothing of service tcp:10.0.0.100:80"));
  topics["service/s"] = served(bus::ServerStatus::up);
  EXPECT_EQ(unready(), "checkd tells nothing of server tcp:10.0.0.100:80 10.1.0.1:80");
  topics["health/s"] = health("not probed yet");
  EXPECT_EQ(unready(), "server tcp:10.0.0.100:80 10.1.0.1:80 is not probed yet");
  topics["health/s"] = health("connect to 10.1.0.1:80: refused");
  EXPECT_EQ(unready(), "");
  EXPECT_EQ(unmet_of({"ready"}, NodeView{topics}), "ballastd does not tell its configuration");
}

TEST(Conditions, ReloadedIsWhatWasReloadedWithoutAnError) {
  const Topics topics;
  EXPECT_EQ(unmet_of({"reloaded"}, NodeView{topics}), "no reload was seen");
  const bus::Event refused{0, "ballastd", "config", "", "reload refused: f has 1 error; nothing was changed", "error"};
  const bus::Event taken{0, "ballastd", "config", "", "configuration reloaded (root): 1 change", "notice"};
  const bus::Event other{0, "ballastd", "config", "vrrpd", "vrrpd does not run the configuration in force", "error"};
  EXPECT_EQ(unmet_of({"reloaded"}, NodeView{topics, nullptr, &refused}), refused.message);
  EXPECT_EQ(unmet_of({"reloaded"}, NodeView{topics, nullptr, &taken}), "");
  EXPECT_TRUE(is_reload(refused) && is_reload(taken));
  EXPECT_FALSE(is_reload(other));
}

TEST(Conditions, WhatMayFollowIsOffered) {
  const Topics topics{{"vrrp/A", instance("A", bus::VrrpRole::master)}, {"service/s", served(bus::ServerStatus::up)}};
  using Typed = std::vector<std::string>;
  EXPECT_THAT(next_words({}, topics), ElementsAre("instance", "group", "server", "service", "ready", "reloaded"));
  EXPECT_THAT(next_words(Typed{"instance"}, topics), ElementsAre("A"));
  EXPECT_THAT(next_words(Typed{"instance", "A"}, topics), ElementsAre("INIT", "BACKUP", "MASTER", "FAULT"));
  EXPECT_THAT(next_words(Typed{"ready", "server"}, topics), ElementsAre(service));
  EXPECT_THAT(next_words(Typed{"server", service}, topics), ElementsAre("10.1.0.1:80", "[2001:db8::1]:80"));
  EXPECT_THAT(next_words(Typed{"server", service, "x"}, topics), ElementsAre("up", "down", "drain"));
}

}  // namespace
}  // namespace ballast::ctl
