// Roles handed over by hand: who is meant, for how long, and what outlives a restart.
#include "daemons/ballastd/hold_store.hpp"

#include <gmock/gmock.h>

namespace ballast::ballastd {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

config::Model model() {
  config::Model made;
  for (const char* name : {"A", "B", "C"}) made.vrrp_instances.emplace_back().name = name;
  made.vrrp_sync_groups.push_back({"G", {"B", "C"}, {}});
  return made;
}

bus::VrrpHold word(bool maintenance = false, double until = 0) {
  return {.instance = {}, .maintenance = maintenance, .by = "root", .since = 100, .until = until};
}

TEST(HoldStore, AnInstanceMeansItsWholeSyncGroup) {
  EXPECT_THAT(*HoldStore::meant(model(), "A"), ElementsAre("A"));
  EXPECT_THAT(*HoldStore::meant(model(), "C"), ElementsAre("B", "C"));
  EXPECT_THAT(*HoldStore::meant(model(), ""), ElementsAre("A", "B", "C"));
  EXPECT_THAT(HoldStore::meant(model(), "D").error().message, HasSubstr("no vrrp_instance 'D'; there are A, B, C"));
  EXPECT_FALSE(HoldStore::meant({}, ""));
}

TEST(HoldStore, ItsTimeEnds) {
  HoldStore store;
  store.hold({"A", "B"}, word(false, 200));
  store.hold({"C"}, word(false, 150));
  EXPECT_EQ(store.next_end(), 150);
  EXPECT_THAT(store.forget(model(), 149), IsEmpty());
  EXPECT_THAT(store.forget(model(), 150), SizeIs(1));
  EXPECT_EQ(store.next_end(), 200);
  EXPECT_THAT(store.forget(model(), 201), SizeIs(2));
  EXPECT_EQ(store.next_end(), std::nullopt);
}

TEST(HoldStore, MaintenanceIsNotEndedByAWordAboutAnInstance) {
  HoldStore store;
  store.hold({"A", "B", "C"}, word(true));
  store.hold({"A"}, word(false, 150));
  EXPECT_TRUE(store.words().at("A").maintenance);
  EXPECT_THAT(store.release({"A"}, false), IsEmpty());
  EXPECT_THAT(store.release({"A", "B", "C"}, true), ElementsAre("A", "B", "C"));
}

TEST(HoldStore, AnInstanceThatIsGoneIsForgotten) {
  HoldStore store;
  store.hold({"A"}, word());
  EXPECT_THAT(store.forget({}, 0), SizeIs(1));
}

TEST(HoldStore, OutlivesARestart) {
  HoldStore store;
  store.hold({"A"}, word(false, 200));
  store.hold({"B"}, word(true));
  const auto again = HoldStore::from_json(store.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->words(), store.words());
  EXPECT_FALSE(HoldStore::from_json({{{"instance", "A"}}}));
}

}  // namespace
}  // namespace ballast::ballastd
