#include "tools/realserver/settings.hpp"

#include <gmock/gmock.h>

#include "tests/unit/realserver/machine.hpp"

namespace ballast::realserver {
namespace {

Requirement requirement(const char* interface, const char* setting, std::map<std::string, int> settings) {
  for (const auto& each : requirements(wanted(Mode::dr, {"192.0.2.100"}), settings)) {
    if (each.name == conf(interface, setting)) return each;
  }
  return {"nothing", 0, false, 0};
}

bool is_met(const char* interface, const char* setting, int value, int for_all = 0) {
  auto settings = fresh().settings;
  settings[conf("all", setting)] = for_all;
  settings[conf(interface, setting)] = value;
  return requirement(interface, setting, settings).met;
}

TEST(RealServerSettings, ArpIgnoreOfWhichValuesAreEnough) {
  for (const int quiet : {1, 2, 3, 8}) EXPECT_TRUE(is_met("eth0", "arp_ignore", quiet)) << quiet;
  for (const int loud : {0, 4, 5, 6, 7, 9, -1}) EXPECT_FALSE(is_met("eth0", "arp_ignore", loud)) << loud;
}

TEST(RealServerSettings, ArpAnnounceKnowsOneGoodValue) {
  EXPECT_TRUE(is_met("all", "arp_announce", 2, 2));
  for (const int other : {0, 1, 3}) EXPECT_FALSE(is_met("all", "arp_announce", other, other)) << other;
}

TEST(RealServerSettings, TheLargerReversePathFilterCounts) {
  EXPECT_TRUE(is_met("eth0", "rp_filter", 0, 0));
  EXPECT_TRUE(is_met("eth0", "rp_filter", 2, 1));
  EXPECT_TRUE(is_met("eth0", "rp_filter", 0, 2));
  EXPECT_TRUE(is_met("eth0", "rp_filter", 1, 2));
  EXPECT_FALSE(is_met("eth0", "rp_filter", 1, 0));
  EXPECT_FALSE(is_met("eth0", "rp_filter", 0, 1));
}

TEST(RealServerSettings, NothingIsAskedForFnatOrIpv6OrOfWhatTheKernelHasNot) {
  EXPECT_THAT(requirements(wanted(Mode::fnat, {"192.0.2.100"}), fresh().settings), ::testing::IsEmpty());
  EXPECT_THAT(requirements(wanted(Mode::tun, {"2001:db8::100"}), fresh().settings), ::testing::IsEmpty());
  EXPECT_THAT(requirements(wanted(Mode::dr, {"192.0.2.100"}), {}), ::testing::IsEmpty());
}

}  // namespace
}  // namespace ballast::realserver
