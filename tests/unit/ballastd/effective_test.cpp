// What is in force: the file, the operators' changes, the servers that sources found.
#include "daemons/ballastd/effective.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/loader.hpp"

namespace ballast::ballastd {
namespace {
using config::AmendKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto service = "tcp:192.0.2.100:80";

ModelPointer file(const std::string& more = {}) {
  const auto loaded = config::load_text(
      "virtual_server 192.0.2.100 80 {\n  protocol TCP\n  real_server 192.0.2.21 80 {\n    TCP_CHECK {\n    }\n  }\n" +
          more + "}\n",
      "f", {.config_id = "lb1", .environment = {}});
  EXPECT_TRUE(loaded.ok());
  return std::make_shared<config::Model>(loaded.model);
}

const std::string with_source =
    "  real_servers_from dns web.example.com 80 {\n    weight 3\n    most 3\n    TCP_CHECK {\n    }\n  }\n";

net::Endpoint at(const std::string& text) { return net::Endpoint::parse(text).value(); }

bus::Change change(std::uint64_t number, AmendKind kind, const std::string& server, int weight = 0) {
  config::Amendment about{.kind = kind, .service = service, .server = at(server), .weight = weight};
  if (kind == AmendKind::add_server)
    about.real_server = config::instantiate(file()->virtual_servers.at(0).real_servers.at(0), at(server));
  return {.number = number, .amendment = about, .by = "anna"};
}

std::vector<std::string> servers_of(const Effective& made) {
  std::vector<std::string> all;
  for (const auto& server : made.model->virtual_servers.at(0).real_servers)
    all.push_back(fmt::format("{} w{}", server.endpoint, server.weight));
  return all;
}

std::vector<Fate> fates(const Effective& made) {
  std::vector<Fate> all;
  for (const auto& each : made.changes) all.push_back(each.fate);
  return all;
}

TEST(Effective, TheFileAloneIsNotCopied) {
  const auto model = file();
  EXPECT_EQ(effective(model, {}, {}).model, model);
}

TEST(Effective, ChangesAreAppliedInTheirOrderAndTheFileStaysAsItIs) {
  const auto model = file();
  const auto before = *model;
  const auto made = effective(
      model,
      {change(1, AmendKind::add_server, "192.0.2.31:80"), change(2, AmendKind::server_weight, "192.0.2.31:80", 9),
       change(3, AmendKind::remove_server, "192.0.2.21:80")},
      {});
  EXPECT_THAT(servers_of(made), ElementsAre("192.0.2.31:80 w9"));
  EXPECT_THAT(fates(made), ElementsAre(Fate::applied, Fate::applied, Fate::applied));
  EXPECT_EQ(made.changes.at(1).weight_before, 1);
  EXPECT_EQ(*model, before);
}

TEST(Effective, WhatTheFileSaysItselfIsNoChange) {
  const auto made = effective(
      file(),
      {change(1, AmendKind::add_server, "192.0.2.21:80"), change(2, AmendKind::server_weight, "192.0.2.21:80", 1),
       change(3, AmendKind::remove_server, "192.0.2.99:80")},
      {});
  EXPECT_THAT(fates(made), ElementsAre(Fate::said, Fate::said, Fate::said));
}

TEST(Effective, WhatIsAboutNothingIsImpossibleAndSaysWhy) {
  auto elsewhere = change(2, AmendKind::remove_server, "192.0.2.21:80");
  elsewhere.amendment.service = "tcp:192.0.2.200:80";
  const auto made = effective(file(), {change(1, AmendKind::server_weight, "192.0.2.99:80", 2), elsewhere}, {});
  EXPECT_THAT(fates(made), ElementsAre(Fate::impossible, Fate::impossible));
  EXPECT_THAT(made.changes.at(0).why, HasSubstr("no server 192.0.2.99:80"));
  EXPECT_THAT(made.changes.at(1).why, HasSubstr("no service 'tcp:192.0.2.200:80'"));
  EXPECT_THAT(servers_of(made), ElementsAre("192.0.2.21:80 w1"));
}

TEST(Effective, FoundServersAreLikeWhatTheirSourceSays) {
  const auto made = effective(file(with_source), {},
                              {{{service, 0}, {{at("192.0.2.41:0"), std::nullopt}, {at("192.0.2.42:81"), 7}}}});
  EXPECT_THAT(servers_of(made), ElementsAre("192.0.2.21:80 w1", "192.0.2.41:80 w3", "192.0.2.42:81 w7"));
  EXPECT_EQ(made.model->virtual_servers.at(0).real_servers.at(2).checks.at(0).target, at("192.0.2.42:81"));
  EXPECT_THAT(made.left_out, IsEmpty());
}

TEST(Effective, WhatIsWrittenDownIsNotFoundAgain) {
  const auto made = effective(file(with_source), {change(1, AmendKind::add_server, "192.0.2.41:80")},
                              {{{service, 0}, {{at("192.0.2.21:80"), 5}, {at("192.0.2.41:80"), 5}}}});
  EXPECT_THAT(servers_of(made), ElementsAre("192.0.2.21:80 w1", "192.0.2.41:80 w1"));
}

TEST(Effective, WhatAnOperatorRemovedNoSourceBringsBack) {
  const auto made = effective(file(with_source), {change(1, AmendKind::remove_server, "192.0.2.21:80")},
                              {{{service, 0}, {{at("192.0.2.21:80"), 5}}}});
  EXPECT_THAT(servers_of(made), IsEmpty());
}

TEST(Effective, FoundServersThatCannotBeAreLeftOutInWords) {
  const auto made = effective(file(with_source), {},
                              {{{service, 0},
                                {{at("[2001:db8::1]:80"), std::nullopt},
                                 {at("192.0.2.41:80"), 70'000},
                                 {at("192.0.2.42:80"), std::nullopt},
                                 {at("192.0.2.43:80"), std::nullopt},
                                 {at("192.0.2.44:80"), std::nullopt},
                                 {at("192.0.2.45:80"), std::nullopt}}}});
  EXPECT_THAT(servers_of(made),
              ElementsAre("192.0.2.21:80 w1", "192.0.2.42:80 w3", "192.0.2.43:80 w3", "192.0.2.44:80 w3"));
  EXPECT_THAT(made.left_out, ElementsAre(HasSubstr("server [2001:db8::1]:80 is IPv6, its service is IPv4"),
                                         HasSubstr("a weight is from 0 to 65535, not 70000"),
                                         HasSubstr("dns web.example.com: more than 3 servers")));
}

TEST(Effective, FoundServersAreTheSourcesToChange) {
  const auto made = effective(file(with_source), {change(1, AmendKind::server_weight, "192.0.2.41:80", 2)},
                              {{{service, 0}, {{at("192.0.2.41:80"), std::nullopt}}}});
  EXPECT_THAT(fates(made), ElementsAre(Fate::impossible));
  EXPECT_THAT(made.changes.at(0).why, HasSubstr("is found by real_servers_from dns web.example.com"));
}

TEST(Effective, SourcesThatTheFileDoesNotHaveMeanNothing) {
  const auto made =
      effective(file(), {}, {{{service, 0}, {{at("192.0.2.41:80"), {}}}}, {{"x", 0}, {{at("192.0.2.41:80"), {}}}}});
  EXPECT_THAT(servers_of(made), ElementsAre("192.0.2.21:80 w1"));
}

bus::SourceState state(bool good, const std::vector<std::string>& servers,
                       const std::string& name = "web.example.com") {
  bus::SourceState said{.service = service,
                        .number = 0,
                        .kind = config::SourceKind::dns,
                        .name = name,
                        .good = good,
                        .reason = {},
                        .servers = {}};
  for (const auto& server : servers) said.servers.push_back({at(server), std::nullopt});
  return said;
}

TEST(FoundStore, ASourceThatFailsKeepsWhatItHad) {
  FoundStore store;
  const auto model = file(with_source);
  EXPECT_TRUE(store.take(*model, state(true, {"192.0.2.41:80"})));
  EXPECT_FALSE(store.take(*model, state(true, {"192.0.2.41:80"}))) << "nothing new";
  EXPECT_FALSE(store.take(*model, state(false, {})));
  EXPECT_EQ(store.found().begin()->second.size(), 1U);
  EXPECT_TRUE(store.take(*model, state(true, {"192.0.2.42:80", "192.0.2.43:80"})));
}

TEST(FoundStore, AnotherQueryKeepsTheServersUntilItHasAnswered) {
  FoundStore store;
  ASSERT_TRUE(store.take(*file(with_source), state(true, {"192.0.2.41:80"})));
  auto other = *file(with_source);
  other.virtual_servers.at(0).sources.at(0).query.name = "new.example.com";
  EXPECT_FALSE(store.forget_unknown(other));
  EXPECT_FALSE(store.take(other, state(true, {"192.0.2.42:80"}))) << "a late answer to the old query";
  EXPECT_EQ(store.found().begin()->second.front().endpoint, at("192.0.2.41:80"));
  EXPECT_TRUE(store.take(other, state(true, {"192.0.2.43:80"}, "new.example.com")));
  EXPECT_TRUE(store.forget_unknown(*file()));
  EXPECT_THAT(store.found(), IsEmpty());
}

TEST(FoundStore, FoundServersAreKept) {
  FoundStore store;
  ASSERT_TRUE(store.take(*file(with_source), state(true, {"192.0.2.41:80"})));
  const auto again = FoundStore::from_json(store.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->found(), store.found());
  EXPECT_FALSE(FoundStore::from_json({{"service", 1}}));
}

}  // namespace
}  // namespace ballast::ballastd
