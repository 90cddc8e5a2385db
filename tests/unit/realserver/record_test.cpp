#include "tools/realserver/record.hpp"

#include <gmock/gmock.h>

#include "tests/unit/realserver/machine.hpp"

namespace ballast::realserver {
namespace {

using ::testing::HasSubstr;

const Place here{"boot-1", 4026531840};
constexpr const char* file = "/run/ballast-realserver/state.json";

Record example() {
  Record record;
  record.wanted = wanted(Mode::tun, {"192.0.2.100", "2001:db8::100"});
  record.wanted->trust = {prefix("10.0.0.0/24")};
  record.wanted->gue_port = 6081;
  record.settings = {{conf("all", "arp_ignore"), 0, 1}};
  return record;
}

TEST(RealServerRecord, ComesBackAsItWasWritten) {
  for (const auto& record : {example(), Record{}, Record{std::nullopt, example().settings}}) {
    EXPECT_EQ(*from_json(to_json(record, here), here, file), record);
  }
}

TEST(RealServerRecord, OfAnEarlierBootIsForgotten) {
  EXPECT_EQ(*from_json(to_json(example(), {"boot-0", here.namespace_id}), here, file), Record{});
}

TEST(RealServerRecord, OfAnotherNamespaceIsRefused) {
  const auto read = from_json(to_json(example(), {"boot-1", 7}), here, file);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message,
              HasSubstr("/run/ballast-realserver/state.json: tells of another network namespace"));
}

TEST(RealServerRecord, WhatMakesNoSenseIsAnErrorWithTheFile) {
  const auto right = to_json(example(), here);
  std::vector<nlohmann::json> broken{nlohmann::json::array(), 7, {{"boot", "boot-1"}}};
  for (const auto* field : {"network_namespace", "settings"}) {
    broken.push_back(right);
    broken.back().erase(field);
  }
  for (const auto* field : {"mode", "vips", "interfaces", "trust", "gue_port", "cgroup"}) {
    broken.push_back(right);
    broken.back()["wanted"][field] = nullptr;
  }
  broken.push_back(right);
  broken.back()["wanted"]["vips"] = {"not an address"};
  for (const auto* name : {"kernel/core_pattern", "net/ipv4/conf/../../../kernel/panic"}) {
    broken.push_back(right);
    broken.back()["settings"][0]["name"] = name;
  }
  for (const auto& json : broken) {
    const auto read = from_json(json, here, file);
    ASSERT_FALSE(read) << json;
    EXPECT_THAT(read.error().message, HasSubstr(file));
  }
}

}  // namespace
}  // namespace ballast::realserver
