// A master that leaves or is preempted serves until the new one is known: no client's packet is lost in between.
#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Handover : testing::Test {
  Handover() {
    router.start().after(10s);
    router.did();
  }
  Scenario router;
};

TEST_F(Handover, APreemptedMasterKeepsItsAddressesForTheLinger) {
  router.hears("10.0.0.2", 150).did();
  EXPECT_TRUE(router.instance.holds_addresses());
  router.after(handover_linger - 1ns);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ns);
  EXPECT_THAT(router.did(), ElementsAre("release"));
  EXPECT_FALSE(router.instance.holds_addresses());
}

TEST_F(Handover, ALeavingMasterWaitsForTheNewOne) {
  router.on(Stop{"stopped", true});
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> INIT (stopped)"));
  router.after(600ms).hears("10.0.0.2", 90);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(handover_linger);
  EXPECT_THAT(router.did(), ElementsAre("release"));
}

TEST_F(Handover, ALeavingMasterIsNotHeldBackByTheNewOnesFurtherAdvertisements) {
  router.on(Stop{"stopped", true}).did();
  router.after(500ms).hears("10.0.0.2", 90).after(handover_linger / 2).hears("10.0.0.2", 90);
  router.after(handover_linger / 2);
  EXPECT_THAT(router.did(), ElementsAre("release"));
}

// Found by the simulator: what the predecessor had sent ended the linger before anybody had taken over.
TEST_F(Handover, WhatWasOnItsWayWhenItLeftIsNoNewMaster) {
  router.on(Stop{"stopped", true}).did();
  router.after(1ms).hears("10.0.0.2", 90).after(500ms);
  EXPECT_THAT(router.did(), IsEmpty());
}

// Found by the simulator: the release was set into the past.
TEST_F(Handover, ALeavingMasterThatStoodStillSetsNoTimerInThePast) {
  router.on(Stop{"stopped", true}).did();
  router.now += 10s;
  router.hears("10.0.0.2", 90);
  EXPECT_EQ(router.due(Timer::release), router.now);
}

TEST_F(Handover, AnotherThatLeavesIsNoNewMaster) {
  router.on(Stop{"stopped", true}).did();
  router.hears("10.0.0.2", 0).after(500ms);
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST_F(Handover, AloneALeavingMasterGivesUpAfterTheLongestSkew) {
  router.on(Stop{"stopped", true}).did();
  router.after(996ms);
  EXPECT_THAT(router.did(), IsEmpty()) << "a backup of priority 1 takes over now";
  router.after(200ms);
  EXPECT_THAT(router.did(), ElementsAre("release"));
}

TEST(HandoverLimit, ALongIntervalDoesNotHoldTheMachineUp) {
  auto slow = settings();
  slow.advert_interval = 40s;
  Scenario router{slow};
  router.start().after(10min).on(Stop{"stopped", true}).did();
  router.after(longest_leave);
  EXPECT_THAT(router.did(), ElementsAre("release"));
}

TEST_F(Handover, AStopThatMustBeAtOnceEndsTheLinger) {
  router.on(Stop{"stopped", true}).did();
  router.on(Stop{"now"});
  EXPECT_THAT(router.did(), ElementsAre("release"));
}

TEST_F(Handover, MasterAgainWithinTheLingerKeepsTheAddresses) {
  router.hears("10.0.0.2", 150).on(GroupOrder{GroupCommand::master, "the group is MASTER"}).did();
  router.after(1s);
  EXPECT_THAT(router.did(), Not(Contains("release")));
}

TEST_F(Handover, AFaultWaitsForNobody) {
  router.hears("10.0.0.2", 150).did();
  router.on(LinkChanged{"eth0", false, "eth0 is down"});
  EXPECT_THAT(router.did(), ElementsAre("BACKUP -> FAULT (eth0 is down)", "release"));
}

TEST(SplitBrain, IsToldOnceWithBothAndItsEndToo) {
  Scenario router;
  router.start().after(20s).did();
  for (int i = 0; i < 12; ++i) router.after(1s).hears("10.0.0.2", 50);
  const auto during = router.did();
  EXPECT_EQ(std::ranges::count_if(during, [](const auto& line) { return line.starts_with("note:"); }), 1);
  router.after(20s);
  const auto after = router.did();
  EXPECT_THAT(after, Contains(HasSubstr("note: 10.0.0.2 (priority 50) is MASTER no longer")));
  EXPECT_THAT(after, Contains("announce 5"));
}

TEST(SplitBrain, ThePredecessorsLastAdvertisementIsNone) {
  Scenario router;
  router.start().after(3609375us).did();
  router.hears("10.0.0.2", 50);
  EXPECT_THAT(router.did(), ElementsAre("send 100", "rival 10.0.0.2 with 50"));
  router.after(between_bursts);
  EXPECT_THAT(router.did(), ElementsAre("announce 5"));
}

// Found by the simulator: the loser had announced last, and the winner, who never heard it, did not announce anew.
TEST(SplitBrain, TheLastWordOfARivalThatWasNeverHeardIsMetWithAnAnnouncement) {
  Scenario router;
  router.start().after(20s).did();
  router.hears("10.0.0.2", 0);
  EXPECT_THAT(router.did(), ElementsAre("send 100", "announce 5"));
}

TEST(SplitBrain, AnnouncementsAreBoundedWhateverARivalSends) {
  Scenario router;
  router.start().after(20s).did();
  for (int i = 0; i < 1000; ++i) router.after(1ms).hears("10.0.0.2", i % 2 == 0 ? 50 : 0);
  EXPECT_LE(router.count("announce 5"), 10);
}

// Found by the simulator: a BACKUP took priority 0 of who had just yielded to the master it follows for its master's.
TEST(Backup, PriorityZeroOfAnotherThanItsMasterMeansNothing) {
  Scenario router;
  router.start().hears("10.0.0.1", 150).hears("10.0.0.2", 0);
  EXPECT_EQ(router.due(Timer::master_down), router.now + 3609375us);
}

// Found by the simulator: the interval of a master that is not borne with was kept after a change of our own.
TEST(Backup, APreemptedMastersIntervalIsNotLearned) {
  Scenario router;
  router.start().hears("10.0.0.1", 50, 100ms);
  auto faster = settings();
  faster.advert_interval = 500ms;
  router.on(Reconfigured{faster});
  EXPECT_EQ(router.instance.down_interval(), master_down_interval(3, 100, 500ms));
}

// Found by the simulator: what waited in the socket was answered as if no time had passed.
TEST(StandingStill, IsNoticedWhenAnAdvertisementIsReadFirst) {
  Scenario router;
  router.start().after(10s).did();
  router.now += 10s;
  router.hears("10.0.0.2", 150);
  EXPECT_THAT(router.did().front(), HasSubstr("stood still"));
}

// Found by the simulator: a new configuration ended the time in which a BACKUP listens after a pause.
TEST(StandingStill, ANewConfigurationDoesNotEndTheListening) {
  Scenario router;
  router.start().hears("10.0.0.1", 150).did();
  router.stalls(1min).on(Reconfigured{settings(101)}).did();
  router.after(1s);
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST(StandingStill, WithNopreemptAMasterThatWasReplacedMeanwhileLeavesItSo) {
  auto quiet = settings();
  quiet.preempt = false;
  Scenario router{quiet};
  router.start().after(10s).stalls(10s).did();
  router.hears("10.0.0.2", 50);
  EXPECT_THAT(
      router.did(),
      ElementsAre("send 0",
                  "MASTER -> BACKUP (10.0.0.2 took over while this machine stood still, and is not preempted)"));
}

TEST(Startup, WaitsForTheDelayAndHearsNothingMeanwhile) {
  Scenario router;
  router.on(LinkChanged{"eth0", true, "eth0 is up"}).on(SourceChanged{ip("10.0.0.5"), ""});
  router.on(Start{{}, 5500ms}).after(5s).hears("10.0.0.2", 50).did();
  EXPECT_EQ(router.instance.role(), Role::init);
  router.after(500ms);
  EXPECT_THAT(router.did(), ElementsAre("INIT -> BACKUP (started)"));
}

TEST(DownTimerAdverts, ABackupWaitsForAsManyAsConfigured) {
  auto patient = settings();
  patient.election.down_timer_adverts = 5;
  Scenario router{patient};
  router.start().did();
  router.after(5s);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(610ms);
  EXPECT_EQ(router.instance.role(), Role::master);
}

TEST(LowerPrioNoAdvert, AMasterDoesNotAnswerButAnnounces) {
  auto quiet = settings();
  quiet.election.lower_prio_no_advert = true;
  Scenario router{quiet};
  router.start().after(20s).did();
  router.hears("10.0.0.2", 50);
  EXPECT_THAT(router.did(), ElementsAre("rival 10.0.0.2 with 50", "announce 5", HasSubstr("is MASTER, too")));
}

TEST(HigherPrioSendAdvert, AMasterThatYieldsSaysItsOwnPriority) {
  auto as_keepalived = settings();
  as_keepalived.election.higher_prio_send_advert = true;
  Scenario router{as_keepalived};
  router.start().after(10s).did();
  router.hears("10.0.0.2", 150);
  EXPECT_EQ(router.did().front(), "send 100");
}

TEST(StrictMode, AMasterYieldsWithoutAWordAndTheOwnerMindsNobody) {
  auto strict = settings();
  strict.election.strict = true;
  Scenario router{strict};
  router.start().after(10s).did();
  router.hears("10.0.0.2", 150);
  EXPECT_THAT(router.did(), ElementsAre(HasSubstr("MASTER -> BACKUP")));
  strict.priority = priority_owner;
  Scenario owner{strict};
  owner.start().did();
  owner.hears("10.0.0.2", 255);
  EXPECT_THAT(owner.did(), IsEmpty());
}

TEST(GarpExtraIf, OtherInterfacesAreAnnouncedOnWhileMaster) {
  auto forgetful = settings(255);
  forgetful.announce.extra_interval = 100s;
  forgetful.announce.delay = 0s;
  Scenario router{forgetful};
  router.start().did();
  router.after(350s);
  EXPECT_EQ(router.count("announce 1 elsewhere"), 3);
}

TEST(Startup, AStopEndsTheDelay) {
  Scenario waiting;
  waiting.on(Start{{}, 5s}).on(Stop{"stopped"}).after(1min);
  EXPECT_THAT(waiting.did(), IsEmpty());
}

TEST_F(Handover, AHeldMasterYieldsAndServesUntilTheNewOneIsHeard) {
  router.on(Held{"handed over by root"});
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> BACKUP (handed over by root)"));
  EXPECT_EQ(router.instance.priority(), 1);
  router.after(600ms);
  EXPECT_TRUE(router.instance.holds_addresses());
  router.hears("10.0.0.2", 90).after(handover_linger);
  EXPECT_THAT(router.did(), ElementsAre("release"));
  router.hears("10.0.0.2", 90).after(1s).hears("10.0.0.2", 90);
  EXPECT_THAT(router.did(), IsEmpty()) << "the own priority is higher, but held back";
}

TEST_F(Handover, AHeldMasterIsMasterAgainWhenNobodyElseIsThereAndNeverLetsItsAddressesGo) {
  router.on(Held{"maintenance by root"}).did();
  router.after(5s);
  EXPECT_EQ(router.instance.role(), Role::master);
  EXPECT_THAT(router.did(), Not(Contains("release")));
  router.hears("10.0.0.2", 2);
  EXPECT_EQ(router.instance.role(), Role::backup) << "whoever comes is better";
}

TEST_F(Handover, ReleasedItTakesItsRoleBack) {
  router.on(Held{"handed over by root"}).hears("10.0.0.2", 90).after(1s).did();
  router.on(Held{});
  EXPECT_EQ(router.instance.priority(), 100);
  for (int i = 0; i < 5; ++i) router.hears("10.0.0.2", 90).after(1s);
  EXPECT_EQ(router.instance.role(), Role::master);
}

TEST(Held, ARouterThatStartsHeldStaysBackup) {
  Scenario router;
  router.on(Held{"maintenance by root"}).start().hears("10.0.0.2", 50).after(1s).hears("10.0.0.2", 50);
  EXPECT_EQ(router.instance.role(), Role::backup);
  EXPECT_EQ(router.instance.priority(), 1);
}

}  // namespace
}  // namespace ballast::vrrpd
