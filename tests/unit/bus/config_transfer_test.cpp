#include "common/bus/config_transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::bus {
namespace {
using testing::HasSubstr;

config::Model model() {
  config::Model result;
  result.global.router_id = "lb1";
  result.vrrp_instances.resize(1);
  result.vrrp_instances[0].name = "VI_1";
  result.vrrp_sync_groups.push_back({"G", {"VI_1"}, {}});
  config::VirtualServer service;
  service.name = "tcp:10.0.0.1:80";
  service.real_servers.resize(3);
  result.virtual_servers = {service};
  return result;
}

std::vector<nlohmann::json> frames_of(const ConfigOffer& offer) {
  std::vector<nlohmann::json> result;
  for (const auto& frame : offer.frames()) result.push_back(parse_frame(frame->substr(frame_header_size)).value());
  return result;
}

nlohmann::json commit(std::size_t count, const std::string& digest) { return {{"count", count}, {"digest", digest}}; }

TEST(ConfigTransfer, AModelArrivesAsItWas) {
  const auto offer = make_offer(model(), 3);
  EXPECT_EQ(offer.objects.size(), 4U);
  ConfigAssembler assembler;
  for (const auto& frame : frames_of(offer)) {
    if (frame.at("op") == "config") {
      const auto topic = frame.at("topic").get<std::string>();
      EXPECT_TRUE(topic.starts_with("config/3/")) << topic;
      ASSERT_TRUE(assembler.add(topic.substr(9), frame.at("value")));
    }
  }
  EXPECT_EQ(assembler.finish(commit(4, offer.digest), {}).value().model, model());
}

TEST(ConfigTransfer, EveryPartOfAModelTravels) {
  auto whole = model();
  whole.statics.groups.push_back({"UPLINK", {"VI_1"}});
  whole.vrrp_scripts.push_back({.name = "chk", .command = {{"/bin/true"}, "", ""}});
  whole.tracking.files.push_back({"load", "/run/load", 0, false});
  const nlohmann::json parts = whole;
  for (const auto& [name, part] : parts.items()) EXPECT_FALSE(part.empty()) << name;
  const auto offer = make_offer(whole, 1);
  ConfigAssembler assembler;
  for (const auto& frame : frames_of(offer)) {
    if (frame.at("op") != "config") continue;
    ASSERT_TRUE(assembler.add(frame.at("topic").get<std::string>().substr(9), frame.at("value")));
  }
  EXPECT_EQ(assembler.finish(commit(offer.objects.size(), offer.digest), {}).value().model, whole);
}

TEST(ConfigTransfer, TheDigestDoesNotDependOnTheGeneration) {
  EXPECT_EQ(make_offer(model(), 1).digest, make_offer(model(), 2).digest);
  auto other = model();
  other.virtual_servers[0].real_servers[2].weight = 5;
  EXPECT_NE(make_offer(model(), 1).digest, make_offer(other, 1).digest);
}

TEST(ConfigTransfer, TornAndDamagedTransfersAreRefused) {
  const auto offer = make_offer(model(), 1);
  ConfigAssembler torn;
  ASSERT_TRUE(torn.add("global", model().global));
  EXPECT_THAT(torn.finish(commit(4, offer.digest), {}).error().message, HasSubstr("torn: 1 objects of 4"));
  ConfigAssembler damaged;
  ASSERT_TRUE(damaged.add("global", model().global));
  EXPECT_THAT(damaged.finish(commit(1, offer.digest), {}).error().message, HasSubstr("damaged"));
}

TEST(ConfigTransfer, AnObjectThatCannotBeReadIsNamed) {
  ConfigAssembler assembler;
  const auto added = assembler.add("vrrp_instance/VI_1", {{"name", "VI_1"}});
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("vrrp_instance/VI_1"));
  EXPECT_THAT(added.error().message, HasSubstr("interface"));
}

TEST(ConfigParticipant, RunsItOnceAndOnlyWhenApplied) {
  ConfigParticipant participant{nullptr};
  const auto take = [&](std::uint64_t generation) {
    nlohmann::json ack;
    for (const auto& frame : frames_of(make_offer(model(), generation))) {
      if (frame.at("op") == "commit")
        ack = participant.commit(frame);
      else
        participant.object(frame);
    }
    return ack;
  };
  EXPECT_EQ(take(1).at("ok"), true);
  EXPECT_FALSE(participant.apply({{"generation", 2}}));
  const auto* applied = participant.apply({{"generation", 1}});
  ASSERT_NE(applied, nullptr);
  EXPECT_EQ(*applied, model());
  EXPECT_EQ(take(2).at("ok"), true);
  EXPECT_FALSE(participant.apply({{"generation", 2}})) << "it runs already";
}

/// What a daemon that runs `before` makes of the frames that tell it what has changed.
struct Changes {
  Changes(const config::Model& before, const config::Model& after) {
    const auto base = make_offer(before, 1);
    for (const auto& frame : base.frames()) hear(*frame);
    participant.apply({{"generation", 1}});
    const auto offer = make_offer(after, 2, &base);
    EXPECT_EQ(offer.digest, make_offer(after, 2).digest) << "made with or without what was before";
    const auto frames = offer.frames_since(base);
    count = frames.size();
    for (const auto& frame : frames) hear(*frame);
    applied = participant.apply({{"generation", 2}});
  }
  void hear(const std::string& bytes) {
    const auto frame = parse_frame(std::string_view{bytes}.substr(frame_header_size)).value();
    if (frame.at("op") == "commit")
      ack = participant.commit(frame);
    else
      participant.object(frame);
  }
  ConfigParticipant participant{nullptr};
  nlohmann::json ack;
  std::size_t count = 0;
  const config::Model* applied = nullptr;
};

config::Model crowd(int services) {
  auto made = model();
  for (int i = 0; i < services; ++i) {
    auto& service = made.virtual_servers.emplace_back();
    service.name = fmt::format("tcp:10.0.1.{}:80", i);
    service.real_servers.resize(2);
  }
  return made;
}

TEST(ConfigChanges, OneWeightOfManyServicesIsOneObject) {
  const auto before = crowd(50);
  auto after = before;
  after.virtual_servers[20].real_servers[1].weight = 7;
  EXPECT_EQ(before.virtual_servers[20].real_servers[1].weight, 1) << "a copy is a copy";
  const Changes changes{before, after};
  EXPECT_EQ(changes.ack.at("ok"), true) << changes.ack;
  EXPECT_EQ(changes.count, 2U);
  ASSERT_NE(changes.applied, nullptr);
  EXPECT_EQ(*changes.applied, after);
}

TEST(ConfigChanges, WhatIsAddedRemovedAndMovedArrives) {
  const auto before = crowd(5);
  auto after = before;
  after.vrrp_sync_groups.clear();
  after.vrrp_instances.push_back(after.vrrp_instances[0]);
  after.vrrp_instances[1].name = "VI_0";
  std::swap(after.vrrp_instances[0], after.vrrp_instances[1]);
  after.tracking.files.push_back({"load", "/run/load", 0, false});
  erase_if(after.virtual_servers, [](const auto& service) { return service.name == "tcp:10.0.1.2:80"; });
  after.virtual_servers.push_back(after.virtual_servers[0]);
  after.virtual_servers[0].name = "tcp:10.0.0.9:80";
  const Changes changes{before, after};
  EXPECT_EQ(changes.ack.at("ok"), true) << changes.ack;
  ASSERT_NE(changes.applied, nullptr);
  EXPECT_EQ(*changes.applied, after);
}

TEST(ConfigChanges, ARemovalAloneArrives) {
  const auto before = crowd(3);
  auto after = before;
  erase_if(after.virtual_servers, [](const auto& service) { return service.name == "tcp:10.0.1.2:80"; });
  const Changes changes{before, after};
  EXPECT_EQ(changes.count, 1U);
  ASSERT_NE(changes.applied, nullptr);
  EXPECT_EQ(*changes.applied, after);
}

TEST(ConfigChanges, OfSomethingElseThanWhatRunsAreRefused) {
  const auto before = crowd(3);
  auto after = before;
  after.global.router_id = "lb2";
  const auto base = make_offer(before, 1);
  ConfigParticipant fresh{nullptr};
  nlohmann::json ack;
  for (const auto& frame : make_offer(after, 2, &base).frames_since(base)) {
    const auto json = parse_frame(std::string_view{*frame}.substr(frame_header_size)).value();
    if (json.at("op") == "commit") ack = fresh.commit(json);
  }
  EXPECT_EQ(ack.at("ok"), false);
  EXPECT_THAT(ack.at("error").get<std::string>(), HasSubstr("changes of a configuration that does not run here"));
}

TEST(ConfigParticipant, ARefusalCarriesItsReason) {
  ConfigParticipant participant{[](const config::Model&) -> Result<> { return fail("no interface eth9"); }};
  nlohmann::json ack;
  for (const auto& frame : frames_of(make_offer(model(), 1))) {
    if (frame.at("op") == "commit")
      ack = participant.commit(frame);
    else
      participant.object(frame);
  }
  EXPECT_EQ(ack.at("ok"), false);
  EXPECT_EQ(ack.at("error"), "no interface eth9");
  EXPECT_FALSE(participant.apply({{"generation", 1}}));
}

}  // namespace
}  // namespace ballast::bus
