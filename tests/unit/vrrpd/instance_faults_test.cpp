// Faults, tracked interfaces and new settings.
#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::VrrpInstance tracking(int weight, bool reverse = false, std::uint8_t priority = 100) {
  auto with = settings(priority);
  with.track_interfaces.push_back({"eth1", weight, reverse});
  return with;
}

TEST(Fault, AMissingInterfaceIsAFaultThatEndsByItself) {
  Scenario router;
  router.on(Start{});
  EXPECT_THAT(router.did(), ElementsAre("INIT -> FAULT (eth0 does not exist)"));
  router.on(LinkChanged{"eth0", true, "eth0 is up"});
  EXPECT_EQ(router.instance.role(), Role::fault) << "without an address to send from";
  router.on(SourceChanged{ip("10.0.0.5"), "sends from 10.0.0.5"});
  EXPECT_THAT(router.did(), ElementsAre("FAULT -> BACKUP (sends from 10.0.0.5)"));
}

TEST(Fault, AMasterWhoseLinkGoesDownSaysGoodbyeAsFarAsItCan) {
  Scenario router;
  router.start().after(10s).did();
  router.on(LinkChanged{"eth0", false, "eth0 has no carrier"});
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> FAULT (eth0 has no carrier)", "release"));
  router.after(1min).hears("10.0.0.1", 50);
  EXPECT_THAT(router.did(), IsEmpty());
  router.on(LinkChanged{"eth0", true, "eth0 is up"});
  EXPECT_THAT(router.did(), ElementsAre("FAULT -> BACKUP (eth0 is up)"));
}

TEST(Fault, TheOwnerComesBackAsMaster) {
  Scenario router{settings(255)};
  router.start().on(LinkChanged{"eth0", false, "eth0 is down"}).did();
  router.on(LinkChanged{"eth0", true, "eth0 is up"});
  EXPECT_EQ(router.did().front(), "FAULT -> MASTER (eth0 is up; owner of the addresses: priority 255)");
}

TEST(Fault, StopFromFaultIsSilent) {
  Scenario router;
  router.on(Start{}).did();
  router.on(Stop{"stopped"});
  EXPECT_THAT(router.did(), ElementsAre("FAULT -> INIT (stopped)"));
}

TEST(Fault, ATrackedInterfaceWithoutWeightCounts) {
  Scenario router{tracking(0)};
  router.on(LinkChanged{"eth1", true, "eth1 is up"}).start().after(10s).did();
  router.on(LinkChanged{"eth1", false, "eth1 is down"});
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> FAULT (tracked eth1 is down)", "release"));
}

TEST(Fault, AReversedTrackedInterfaceIsAFaultWhileItIsUp) {
  Scenario router{tracking(0, true)};
  router.start();
  EXPECT_EQ(router.instance.role(), Role::backup);
  router.on(LinkChanged{"eth1", true, "eth1 is up"});
  EXPECT_EQ(router.instance.role(), Role::fault);
}

TEST(Weight, ANegativeOneCountsWhileTheInterfaceIsDown) {
  Scenario router{tracking(-30)};
  router.on(LinkChanged{"eth1", true, "eth1 is up"}).start().after(10s);
  EXPECT_EQ(router.instance.priority(), 100);
  router.did();
  router.on(LinkChanged{"eth1", false, "eth1 is down"});
  EXPECT_EQ(router.instance.priority(), 70);
  EXPECT_THAT(router.did(), ElementsAre("note: priority 100 -> 70 (eth1 is down)"));
  router.after(1s);
  EXPECT_THAT(router.did(), ElementsAre("send 70")) << "in the next advertisement, without a change of role";
}

TEST(Weight, APositiveOneCountsWhileTheInterfaceIsUp) {
  Scenario router{tracking(30)};
  router.start();
  EXPECT_EQ(router.instance.priority(), 100);
  router.on(LinkChanged{"eth1", true, "eth1 is up"});
  EXPECT_EQ(router.instance.priority(), 130);
}

TEST(Weight, ReversedItPullsTheOtherWay) {
  Scenario router{tracking(30, true)};
  router.start().on(LinkChanged{"eth1", true, "eth1 is up"});
  EXPECT_EQ(router.instance.priority(), 70);
}

TEST(Weight, StaysBetween1And254AndLeavesTheOwnerAlone) {
  EXPECT_EQ(Scenario{tracking(-253)}.start().instance.priority(), 1);
  EXPECT_EQ(Scenario{tracking(253)}.on(LinkChanged{"eth1", true, ""}).start().instance.priority(), 254);
  EXPECT_EQ(Scenario{tracking(-30, false, 255)}.start().instance.priority(), 255);
}

TEST(Weight, ABackupsSkewFollowsItsPriority) {
  Scenario router{tracking(-50)};
  router.on(LinkChanged{"eth1", true, "eth1 is up"}).start().hears("10.0.0.1", 150);
  router.on(LinkChanged{"eth1", false, "eth1 is down"});
  EXPECT_EQ(router.due(Timer::master_down), router.now + master_down_interval(3, 50, 1s));
}

TEST(Reconfigured, ANewPriorityIsInTheNextAdvertisement) {
  Scenario router;
  router.start().after(10s).did();
  router.on(Reconfigured{settings(120)});
  EXPECT_THAT(router.did(), ElementsAre("note: priority 100 -> 120 (configuration changed)"));
  router.after(1s);
  EXPECT_THAT(router.did(), ElementsAre("send 120"));
}

TEST(Reconfigured, AShorterIntervalIsKeptFromNowOn) {
  Scenario router;
  router.start().after(10s).did();
  auto faster = settings();
  faster.advert_interval = 100ms;
  router.on(Reconfigured{faster}).after(1s);
  EXPECT_EQ(router.count("send 100"), 10);
}

// Found by the simulator: an advertisement that was due already was set into the past.
TEST(Reconfigured, AShorterIntervalSetsNoTimerInThePast) {
  Scenario router;
  router.start().after(10s).did();
  router.now = router.due(Timer::advertisement) + 1ms;
  auto faster = settings();
  faster.advert_interval = 100ms;
  router.on(Reconfigured{faster});
  EXPECT_EQ(router.due(Timer::advertisement), router.now);
}

TEST(Reconfigured, NewAddressesAreAnnounced) {
  Scenario router;
  router.start().after(10s).did();
  auto more = settings();
  more.virtual_addresses.push_back({net::Prefix::parse("10.0.0.101/24").value(), "eth0", {}, {}, {}});
  router.on(Reconfigured{more});
  EXPECT_THAT(router.did(), ElementsAre("announce 5"));
}

TEST(Reconfigured, TheSameSettingsAreNothing) {
  Scenario router;
  router.start().after(10s).did();
  router.on(Reconfigured{settings()});
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST(Reconfigured, ABackupKeepsTheMasterItHears) {
  Scenario router;
  router.start().hears("10.0.0.1", 150, 100ms);
  const auto heard = router.now;
  router.after(50ms).on(Reconfigured{settings(120)});
  EXPECT_EQ(router.due(Timer::master_down), heard + master_down_interval(3, 120, 100ms));
  EXPECT_EQ(router.instance.master(), ip("10.0.0.1"));
}

TEST(Reconfigured, ATrackedInterfaceThatIsDownIsAFaultAtOnce) {
  Scenario router;
  router.start().after(10s).did();
  router.on(Reconfigured{tracking(0)});
  EXPECT_THAT(router.did(),
              ElementsAre("send 0", HasSubstr("MASTER -> FAULT (tracked eth1 does not exist)"), "release"));
}

}  // namespace
}  // namespace ballast::vrrpd
