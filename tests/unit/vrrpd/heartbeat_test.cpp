// What an instance makes of advertisements that come over a heartbeat link.
#include "daemons/vrrpd/protocol/heartbeat.hpp"

#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Duration down_interval = 3609375us;  // priority 100 at 1 s
constexpr Duration skew = 609375us;

config::VrrpInstance with_heartbeat(std::uint8_t priority = 100) {
  auto made = settings(priority);
  made.heartbeat_interfaces = {"eth2"};
  return made;
}

/// A router on eth0 (10.0.0.5) and eth2 (10.9.0.5) whose master is 10.0.0.1 there and 10.9.0.1 here.
class Pair : public Scenario {
 public:
  explicit Pair(config::VrrpInstance configured = with_heartbeat()) : Scenario{std::move(configured)} { start(); }

  Pair& beats(std::uint8_t priority, std::string_view from = "10.9.0.1") {
    on(HeartbeatHeard{"eth2", priority, 1s, ip(from), ip("10.9.0.5")});
    return *this;
  }
  /// The master is heard on both links, so often.
  Pair& whole(int times) {
    for (int i = 0; i < times; ++i) after(1s).hears("10.0.0.1", 150), beats(150);
    return *this;
  }
  /// Only the heartbeat link delivers.
  Pair& cut(int times) {
    for (int i = 0; i < times; ++i) after(1s), beats(150);
    return *this;
  }
};

TEST(Heartbeat, AMasterThatIsAliveThereIsNotTakenOverFrom) {
  Pair router;
  router.whole(3).did();
  router.cut(10);
  EXPECT_EQ(router.instance.role(), Role::backup);
  EXPECT_THAT(router.did(),
              ElementsAre("note: 10.0.0.1 is silent on eth0, but 10.9.0.1 advertises on eth2: the network "
                          "of eth0 is at fault, not the router"));
  EXPECT_THAT(router.instance.reason(), HasSubstr("the network of eth0 is at fault"));
}

TEST(Heartbeat, WhenItFallsSilentThereTooTheBackupTakesOver) {
  Pair router;
  router.whole(3).cut(10).did();
  router.after(down_interval - 1ns);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ns);
  EXPECT_EQ(router.did().front(),
            "BACKUP -> MASTER (no advertisement heard for 13.61 s, and none on a heartbeat link any more)");
}

TEST(Heartbeat, AMasterThatDiesIsTakenOverFromInTime) {
  Pair router;
  router.whole(3).did();
  router.after(down_interval);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (no advertisement from 10.0.0.1 for 3.61 s)");
}

TEST(Heartbeat, APriorityOf0ThereCountsAtOnce) {
  Pair router;
  router.whole(3).cut(10).did();
  router.beats(0).after(skew);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (10.9.0.1 left: priority 0)");
}

TEST(Heartbeat, WhoLosesItsLinkSaysPriority0OnTheOtherOne) {
  Pair router;
  router.whole(3).did();
  router.beats(0).after(skew);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (10.9.0.1 left: priority 0)");
}

TEST(Heartbeat, ALowerMasterThatYieldsThereIsNotOurs) {
  Pair router;
  router.whole(3).beats(90, "10.9.0.2").did();
  router.beats(0, "10.9.0.2").after(skew);
  EXPECT_THAT(router.did(), IsEmpty());
  router.beats(0, "10.9.0.7").after(skew);
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST(Heartbeat, TheLinkThatHealsIsToldAndTheRoleStays) {
  Pair router;
  router.whole(3).cut(10).did();
  router.whole(3);
  EXPECT_THAT(router.did(), ElementsAre("note: advertisements are heard on eth0 again"));
  EXPECT_EQ(router.instance.reason(), "advertisements are heard on eth0 again");
}

TEST(Heartbeat, ALowerMasterOfOurOwnLinkIsPreemptedThoughItBeatsToo) {
  Pair router;
  for (int i = 0; i < 4; ++i) router.after(1s).hears("10.0.0.1", 50), router.beats(50);
  EXPECT_EQ(router.instance.role(), Role::master);
}

TEST(Heartbeat, BehindACutALowerMasterKeepsItsRole) {
  Pair router;
  for (int i = 0; i < 10; ++i) router.after(1s), router.beats(50);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Heartbeat, OfTwoMastersBehindACutTheLowerOneYields) {
  Pair router;
  router.after(down_interval).after(5s).did();
  ASSERT_EQ(router.instance.role(), Role::master);
  router.beats(150);
  EXPECT_THAT(router.did(),
              ElementsAre("send 0", "MASTER -> BACKUP (10.9.0.1 advertises priority 150 on eth2, ours is 100)"));
  router.cut(10);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Heartbeat, OfTwoMastersBehindACutTheHigherOneStaysAndSaysSoOnce) {
  Pair router;
  router.after(down_interval).after(5s).did();
  for (int i = 0; i < 5; ++i) router.after(1s), router.beats(50);
  EXPECT_EQ(router.instance.role(), Role::master);
  EXPECT_EQ(router.count("note: 10.9.0.1 is MASTER, too, with priority 50 (ours is 100): heard on eth2, not on eth0: "
                         "something between the two is broken there"),
            1U);
}

TEST(Heartbeat, OfTwoEqualMastersTheHigherAddressThereStays) {
  Pair higher;
  higher.after(down_interval).after(5s);
  for (int i = 0; i < 10; ++i) higher.after(1s), higher.beats(100, "10.9.0.1");
  EXPECT_EQ(higher.instance.role(), Role::master);
  Pair lower;
  lower.after(down_interval).after(5s);
  for (int i = 0; i < 4; ++i) lower.beats(100, "10.9.0.9").after(1s);
  EXPECT_EQ(lower.instance.role(), Role::master) << "its own link decides first, if it can";
  lower.beats(100, "10.9.0.9");
  EXPECT_EQ(lower.instance.role(), Role::backup);
}

TEST(Heartbeat, WhomWeTookOverFromIsNoSecondMaster) {
  Pair router;
  for (int i = 0; i < 3; ++i) router.after(1s).hears("10.0.0.1", 50), router.beats(50);
  router.after(skew).did();
  ASSERT_EQ(router.instance.role(), Role::master);
  router.beats(50).after(500ms);
  router.beats(50);
  EXPECT_THAT(router.did(), testing::Not(testing::Contains(HasSubstr("note"))));
}

TEST(Heartbeat, ALinkThatIsSilentWhileTheOtherIsHeardIsToldOnce) {
  Pair router;
  router.whole(3).did();
  for (int i = 0; i < 60; ++i) router.after(1s).hears("10.0.0.1", 150);
  EXPECT_THAT(
      router.did(),
      ElementsAre("note: no advertisement on eth2 for 11.00 s, while 10.0.0.1 is heard on eth0: is the link whole, "
                  "and has the other router this heartbeat_interface, too?"));
  router.beats(150);
  EXPECT_THAT(router.did(), ElementsAre("note: advertisements are heard on eth2 again"));
}

TEST(Heartbeat, ALinkTakenOutOfTheConfigurationHoldsNobodyBackAnyMore) {
  Pair router;
  router.whole(3).cut(10).did();
  router.on(Reconfigured{settings()}).after(1ms);
  EXPECT_EQ(router.instance.role(), Role::master);
}

TEST(Heartbeat, AMemberOfAGroupDoesNotAskForTheRoleEither) {
  Scenario member{with_heartbeat(), true};
  member.start();
  for (int i = 0; i < 10; ++i) {
    member.after(1s).on(HeartbeatHeard{"eth2", 150, 1s, ip("10.9.0.1"), ip("10.9.0.5")});
  }
  EXPECT_FALSE(member.instance.wants_master());
}

TEST(Heartbeat, AMemberThatAskedForTheRoleNoLongerDoesOnceTheMasterBeats) {
  Scenario member{with_heartbeat(), true};
  member.start().after(down_interval);
  ASSERT_TRUE(member.instance.wants_master());
  member.on(HeartbeatHeard{"eth2", 150, 1s, ip("10.9.0.1"), ip("10.9.0.5")});
  EXPECT_FALSE(member.instance.wants_master());
  member.after(down_interval);
  EXPECT_TRUE(member.instance.wants_master());
}

TEST(Heartbeats, AFloodOfSourcesIsForgottenInTimeAndTakesNoRoom) {
  Heartbeats all;
  const TimePoint start{1h};
  for (int i = 1; i < 250; ++i) {
    auto* pulse = all.heard({"eth2", ip(fmt::format("10.9.0.{}", i)), 100, {}, {}, 3s}, start);
    EXPECT_EQ(pulse != nullptr, i <= static_cast<int>(Heartbeats::most));
  }
  EXPECT_EQ(all.alive(start + 3s), nullptr);
  EXPECT_NE(all.heard({"eth2", ip("10.9.1.1"), 100, {}, {}, 3s}, start + 3s), nullptr);
}

}  // namespace
}  // namespace ballast::vrrpd
