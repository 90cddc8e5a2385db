#include "daemons/ballastd/change_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ballastd {
namespace {
using config::AmendKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

bus::Change change(AmendKind kind, const std::string& server, int weight = 0, double until = 0) {
  config::Amendment about{.kind = kind, .service = "tcp:10.0.0.1:80", .server = {}, .weight = weight};
  if (config::is_about_server(kind)) about.server = net::Endpoint::parse(server).value();
  if (kind == AmendKind::add_server) about.real_server.emplace().endpoint = about.server;
  if (kind == AmendKind::add_service) about.virtual_server = config::VirtualServer{};
  return {.number = 0, .amendment = about, .by = "anna", .since = 100, .until = until};
}

std::vector<std::string> told(const ChangeStore& store) {
  std::vector<std::string> lines;
  for (const auto& each : store.changes())
    lines.push_back(fmt::format("{} {}", each.number, config::in_words(each.amendment)));
  return lines;
}

TEST(ChangeStore, AWeightGoesBeforeAnEarlierOne) {
  ChangeStore store;
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 5));
  store.add(change(AmendKind::server_weight, "10.1.0.2:80", 6));
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 7));
  EXPECT_THAT(told(store), ElementsAre("2 weight of server 10.1.0.2:80 is 6", "3 weight of server 10.1.0.1:80 is 7"));
}

TEST(ChangeStore, OneForATimeLeavesTheLastingOneBelowIt) {
  ChangeStore store;
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 5));
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 0, 200));
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 1, 300));
  EXPECT_THAT(told(store), ElementsAre("1 weight of server 10.1.0.1:80 is 5", "3 weight of server 10.1.0.1:80 is 1"));
  EXPECT_EQ(store.next_end(), 300);
  EXPECT_THAT(store.end(299), IsEmpty());
  EXPECT_EQ(store.end(300).size(), 1U);
  EXPECT_THAT(told(store), ElementsAre("1 weight of server 10.1.0.1:80 is 5"));
  EXPECT_EQ(store.next_end(), std::nullopt);
}

TEST(ChangeStore, WhatWasAddedAndIsTakenAwayWasNeverThere) {
  ChangeStore store;
  store.add(change(AmendKind::add_server, "10.1.0.9:80"));
  store.add(change(AmendKind::server_weight, "10.1.0.9:80", 3));
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 3));
  EXPECT_EQ(store.add(change(AmendKind::remove_server, "10.1.0.9:80")), std::nullopt);
  EXPECT_THAT(told(store), ElementsAre("3 weight of server 10.1.0.1:80 is 3"));
  EXPECT_TRUE(store.add(change(AmendKind::remove_server, "10.1.0.1:80"))) << "the file has that one";
}

TEST(ChangeStore, AServiceTakesItsChangesWithIt) {
  ChangeStore store;
  store.add(change(AmendKind::add_service, ""));
  store.add(change(AmendKind::add_server, "10.1.0.9:80"));
  EXPECT_EQ(store.add(change(AmendKind::remove_service, "")), std::nullopt);
  EXPECT_THAT(store.changes(), IsEmpty());
}

TEST(ChangeStore, TakenAwayForATimeItComesBack) {
  ChangeStore store;
  store.add(change(AmendKind::add_server, "10.1.0.9:80"));
  EXPECT_TRUE(store.add(change(AmendKind::remove_server, "10.1.0.9:80", 0, 200)));
  store.end(200);
  EXPECT_THAT(told(store), ElementsAre("1 server 10.1.0.9:80 added"));
}

TEST(ChangeStore, UndoneByNumber) {
  ChangeStore store;
  store.add(change(AmendKind::remove_server, "10.1.0.1:80"));
  EXPECT_THAT(store.undo(7).error().message, HasSubstr("no change 7"));
  EXPECT_EQ(store.undo(1)->amendment.kind, AmendKind::remove_server);
  EXPECT_EQ(store.add(change(AmendKind::remove_server, "10.1.0.1:80")), 2U) << "a number is given once";
}

TEST(ChangeStore, ChangesAreKept) {
  ChangeStore store;
  store.add(change(AmendKind::add_server, "10.1.0.9:80", 0, 500));
  store.add(change(AmendKind::server_weight, "10.1.0.1:80", 3));
  store.set_weight_before(2, 1);
  auto again = ChangeStore::from_json(store.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to_json(), store.to_json());
  EXPECT_EQ(again->find(2)->weight_before, 1);
  EXPECT_EQ(again->find(1)->by, "anna");
  EXPECT_EQ(again->add(change(AmendKind::remove_server, "10.1.0.1:80")), 3U);
  EXPECT_FALSE(ChangeStore::from_json({{"no", "changes"}}));
  EXPECT_FALSE(ChangeStore::from_json({{"next", 1}, {"changes", {{{"number", 1}}}}}));
}

}  // namespace
}  // namespace ballast::ballastd
