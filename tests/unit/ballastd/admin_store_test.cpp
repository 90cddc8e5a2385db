#include "daemons/ballastd/admin_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ballastd {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

config::Model model(const std::vector<std::string>& servers) {
  config::Model result;
  config::VirtualServer service;
  service.name = "tcp:10.0.0.1:80";
  for (const auto& server : servers) {
    service.real_servers.emplace_back();
    service.real_servers.back().endpoint = net::Endpoint::parse(server).value();
  }
  result.virtual_servers = {service};
  return result;
}

bus::ServerWord word(const std::string& server, const std::string& service = "tcp:10.0.0.1:80") {
  bus::ServerWord made;
  made.service = service;
  made.server = server;
  made.by = "anna";
  made.since = 5;
  return made;
}

TEST(AdminStore, DrainDisableAndEnable) {
  AdminStore store;
  const auto servers = model({"10.1.0.1:80"});
  EXPECT_EQ(store.apply(servers, "drain", word("10.1.0.1:80"))->word.state, bus::AdminState::drain);
  EXPECT_EQ(store.words().begin()->first, "admin/tcp:10.0.0.1:80/10.1.0.1:80");
  EXPECT_FALSE(store.apply(servers, "drain", word("10.1.0.1:80"))->changed) << "it is so already";
  EXPECT_EQ(store.apply(servers, "disable", word("10.1.0.1:80"))->word.state, bus::AdminState::disable);
  EXPECT_THAT(store.words(), SizeIs(1));
  EXPECT_TRUE(store.apply(servers, "enable", word("10.1.0.1:80"))->undone);
  EXPECT_THAT(store.words(), IsEmpty());
  EXPECT_FALSE(store.apply(servers, "enable", word("10.1.0.1:80"))->changed);
}

TEST(AdminStore, WhatIsNotThereIsAnErrorThatNamesWhatIs) {
  AdminStore store;
  const auto servers = model({"10.1.0.1:80", "10.1.0.2:80"});
  EXPECT_EQ(store.apply(servers, "drain", word("10.1.0.9:80")).error().message,
            "no server '10.1.0.9:80' in tcp:10.0.0.1:80; there are 10.1.0.1:80, 10.1.0.2:80");
  EXPECT_EQ(store.apply(servers, "drain", word("10.1.0.1:80", "web")).error().message,
            "no service 'web'; there are tcp:10.0.0.1:80");
  EXPECT_THAT(store.apply(servers, "stop", word("10.1.0.1:80")).error().message, HasSubstr("no action 'stop'"));
  EXPECT_THAT(store.words(), IsEmpty());
}

TEST(AdminStore, WordsAreKept) {
  AdminStore store;
  ASSERT_TRUE(store.apply(model({"10.1.0.1:80"}), "disable", word("10.1.0.1:80")));
  const auto again = AdminStore::from_json(store.to_json());
  ASSERT_TRUE(again);
  const auto& kept = again->words().at("admin/tcp:10.0.0.1:80/10.1.0.1:80");
  EXPECT_EQ(kept.state, bus::AdminState::disable);
  EXPECT_EQ(kept.by, "anna");
  EXPECT_FALSE(AdminStore::from_json({{"no", "list"}}));
  EXPECT_FALSE(AdminStore::from_json({{{"service", "s"}}}));
}

TEST(AdminStore, AWordForATimeEnds) {
  AdminStore store;
  const auto servers = model({"10.1.0.1:80"});
  auto passing = word("10.1.0.1:80");
  passing.until = 60;
  EXPECT_TRUE(store.apply(servers, "drain", passing)->changed);
  EXPECT_EQ(store.next_end(), 60);
  EXPECT_THAT(store.end(59), IsEmpty());
  EXPECT_THAT(store.end(60), SizeIs(1));
  EXPECT_THAT(store.words(), IsEmpty());
  EXPECT_TRUE(store.apply(servers, "drain", passing)->changed);
  EXPECT_TRUE(store.apply(servers, "drain", word("10.1.0.1:80"))->changed) << "it lasts now";
  EXPECT_EQ(store.next_end(), std::nullopt);
}

TEST(AdminStore, WordsOfAnOlderVersionHaveNoEnd) {
  AdminStore store;
  ASSERT_TRUE(store.apply(model({"10.1.0.1:80"}), "drain", word("10.1.0.1:80")));
  auto json = store.to_json();
  json[0].erase("until");
  EXPECT_EQ(AdminStore::from_json(json)->words().begin()->second.until, 0);
}

TEST(AdminStore, WordsAboutServersThatAreGoneAreForgotten) {
  AdminStore store;
  const auto both = model({"10.1.0.1:80", "10.1.0.2:80"});
  ASSERT_TRUE(store.apply(both, "drain", word("10.1.0.1:80")));
  ASSERT_TRUE(store.apply(both, "drain", word("10.1.0.2:80")));
  const auto gone = store.forget_unknown(model({"10.1.0.2:80"}));
  ASSERT_THAT(gone, SizeIs(1));
  EXPECT_EQ(gone[0].server, "10.1.0.1:80");
  EXPECT_THAT(store.words(), SizeIs(1));
}

}  // namespace
}  // namespace ballast::ballastd
