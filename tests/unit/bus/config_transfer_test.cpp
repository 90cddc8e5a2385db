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
  for (const auto& frame : offer.frames) result.push_back(parse_frame(frame->substr(frame_header_size)).value());
  return result;
}

TEST(ConfigTransfer, AModelArrivesAsItWas) {
  const auto offer = make_offer(model(), 3);
  EXPECT_EQ(offer.count, 4U);
  ConfigAssembler assembler;
  for (const auto& frame : frames_of(offer)) {
    if (frame.at("op") == "config") {
      const auto topic = frame.at("topic").get<std::string>();
      EXPECT_TRUE(topic.starts_with("config/3/")) << topic;
      ASSERT_TRUE(assembler.add(topic.substr(9), frame.at("value")));
    }
  }
  EXPECT_EQ(assembler.finish(offer.count, offer.digest).value(), model());
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
  EXPECT_EQ(assembler.finish(offer.count, offer.digest).value(), whole);
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
  EXPECT_THAT(torn.finish(offer.count, offer.digest).error().message, HasSubstr("torn: 1 objects of 4"));
  ConfigAssembler damaged;
  ASSERT_TRUE(damaged.add("global", model().global));
  EXPECT_THAT(damaged.finish(1, offer.digest).error().message, HasSubstr("damaged"));
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
  EXPECT_EQ(participant.apply({{"generation", 1}}).value(), model());
  EXPECT_EQ(take(2).at("ok"), true);
  EXPECT_FALSE(participant.apply({{"generation", 2}})) << "it runs already";
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
