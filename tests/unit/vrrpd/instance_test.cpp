// The transitions of RFC 9568 section 6.4 and what Ballast adds: each test tells what happens to one router.
#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Duration down_interval = 3609375us;  // priority 100 at 1 s
constexpr Duration skew = 609375us;

TEST(Initialize, StartsAsBackupAndWaitsForTheMasterDownInterval) {
  Scenario router;
  router.start();
  EXPECT_THAT(router.did(), ElementsAre("INIT -> BACKUP (started)"));
  router.after(down_interval - 1ns);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ns);
  EXPECT_THAT(router.did(),
              ElementsAre("BACKUP -> MASTER (no advertisement heard for 3.61 s)", "send 100", "announce 5"));
}

TEST(Initialize, TheOwnerIsMasterAtOnce) {
  Scenario router{settings(255)};
  router.start();
  EXPECT_THAT(router.did(),
              ElementsAre("INIT -> MASTER (started; owner of the addresses: priority 255)", "send 255", "announce 5"));
}

TEST(Initialize, AMasterOfAMomentAgoGoesOn) {
  Scenario router;
  router.on(LinkChanged{"eth0", true, "eth0 is up"}).on(SourceChanged{ip("10.0.0.5"), ""});
  router.on(Start{"goes on after a restart"});
  EXPECT_THAT(router.did(), ElementsAre("INIT -> MASTER (goes on after a restart)", "send 100", "announce 5"));
}

TEST(Initialize, HearsNothingBeforeItIsStarted) {
  Scenario router;
  router.hears("10.0.0.9", 200).after(1min);
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST(Backup, EachAdvertisementOfAHigherMasterPutsTheTakeoverOff) {
  Scenario router;
  router.start();
  for (int i = 0; i < 100; ++i) router.after(1s).hears("10.0.0.1", 150);
  EXPECT_EQ(router.instance.role(), Role::backup);
  EXPECT_EQ(router.instance.master(), ip("10.0.0.1"));
  router.did();
  router.after(down_interval);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (no advertisement from 10.0.0.1 for 3.61 s)");
}

TEST(Backup, AMasterOfOurOwnPriorityStaysMaster) {
  Scenario router;
  router.start();
  for (int i = 0; i < 10; ++i) router.after(1s).hears("10.0.0.1", 100);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Backup, PreemptsAMasterOfLowerPriority) {
  Scenario router;
  router.start().did();
  router.after(1s).hears("10.0.0.1", 50).after(1s).hears("10.0.0.1", 50).after(1s).hears("10.0.0.1", 50);
  router.after(skew);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (10.0.0.1 advertises priority 50, ours is 100)");
}

TEST(Backup, WithoutPreemptionALowerMasterStays) {
  auto quiet = settings();
  quiet.preempt = false;
  Scenario router{quiet};
  router.start();
  for (int i = 0; i < 10; ++i) router.after(1s).hears("10.0.0.1", 50);
  EXPECT_EQ(router.instance.role(), Role::backup);
  router.did();
  router.after(down_interval);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (no advertisement from 10.0.0.1 for 3.61 s)");
}

TEST(Backup, PreemptDelayIsWaitedOutBeforeALowerMasterIsIgnored) {
  auto patient = settings();
  patient.preempt_delay = 10s;
  Scenario router{patient};
  router.start().did();
  for (int i = 0; i < 10; ++i) router.after(1s).hears("10.0.0.1", 50);  // the first at 1 s: the delay ends at 11 s
  router.after(3s);
  EXPECT_EQ(router.instance.role(), Role::backup);
  router.hears("10.0.0.1", 50).after(skew);
  EXPECT_EQ(router.instance.role(), Role::master);
}

TEST(Backup, AHigherMasterMeanwhileStartsThePreemptDelayAnew) {
  auto patient = settings();
  patient.preempt_delay = 4s;
  Scenario router{patient};
  router.start();
  for (int i = 0; i < 3; ++i) router.after(1s).hears("10.0.0.1", 50);
  router.after(1s).hears("10.0.0.2", 150);
  for (int i = 0; i < 4; ++i) router.after(1s).hears("10.0.0.1", 50);
  router.after(1s);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Backup, PriorityZeroLeavesOnlyTheSkewTimeToWait) {
  Scenario router;
  router.start().after(1s).hears("10.0.0.1", 150).after(500ms).hears("10.0.0.1", 0).did();
  router.after(skew - 1ns);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ns);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (10.0.0.1 left: priority 0)");
}

TEST(Backup, AnotherMasterAfterPriorityZeroIsAccepted) {
  Scenario router;
  router.start().hears("10.0.0.1", 150).after(500ms).hears("10.0.0.1", 0).after(100ms).hears("10.0.0.2", 120).did();
  router.after(down_interval - 1ns);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ns);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (no advertisement from 10.0.0.2 for 3.61 s)");
}

TEST(Backup, Version3LearnsTheMastersIntervalAndTheSkewAnew) {
  Scenario router;
  router.start().hears("10.0.0.1", 150, 100ms).did();
  router.after(360ms);
  EXPECT_THAT(router.did(), IsEmpty());
  router.after(1ms);
  EXPECT_EQ(router.did().front(), "BACKUP -> MASTER (no advertisement from 10.0.0.1 for 360.9 ms)");
  EXPECT_EQ(router.due(Timer::advertisement), router.now + 1s - 62500ns) << "our own interval once we are MASTER";
}

TEST(Backup, Version2KeepsItsOwnInterval) {
  Scenario router{settings(100, 2)};
  router.start().hears("10.0.0.1", 150, 5s);
  EXPECT_EQ(router.due(Timer::master_down), router.now + down_interval);
}

TEST(Backup, StopsWithoutAWord) {
  Scenario router;
  router.start().did();
  router.on(Stop{"stopped"}).after(1min);
  EXPECT_THAT(router.did(), ElementsAre("BACKUP -> INIT (stopped)"));
}

struct Master : testing::Test {
  Master() { become(settings()); }
  void become(config::VrrpInstance with) {
    router = Scenario{std::move(with)};
    router.start().after(10s);
    ASSERT_EQ(router.instance.role(), Role::master);
    router.did();
  }
  Scenario router;
};

TEST_F(Master, AdvertisesEveryInterval) {
  router.after(10s);
  EXPECT_EQ(router.count("send 100"), 10);
}

TEST_F(Master, YieldsToAHigherPriority) {
  router.hears("10.0.0.2", 150);
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> BACKUP (10.0.0.2 advertises priority 150, ours is 100)"))
      << "so that the winner knows that there were two";
  EXPECT_EQ(router.instance.master(), ip("10.0.0.2"));
  EXPECT_EQ(router.due(Timer::master_down), router.now + down_interval);
  router.after(3s);
  EXPECT_THAT(router.did(), ElementsAre("release")) << "a BACKUP is silent";
}

TEST_F(Master, OfEqualPriorityTheHigherAddressWins) {
  router.hears("10.0.0.4", 100);
  EXPECT_EQ(router.instance.role(), Role::master);
  router.did();
  router.hears("10.0.0.6", 100);
  EXPECT_THAT(router.did(),
              ElementsAre("send 0",
                          "MASTER -> BACKUP (10.0.0.6 advertises priority 100 as we do, and its address is "
                          "higher than ours, 10.0.0.5)"));
}

TEST_F(Master, AddressesCompareAsNumbers) {
  router.hears("10.0.0.10", 100);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST_F(Master, AnswersALosingAdvertisementAtOnceAndAnnouncesAnew) {
  router.after(500ms).did();
  router.hears("10.0.0.2", 50);
  EXPECT_THAT(router.did(),
              ElementsAre("send 100", "rival 10.0.0.2 with 50", "announce 5",
                          "note: 10.0.0.2 is MASTER, too, with priority 50 (ours is 100): answered, and the addresses "
                          "announced anew"));
  EXPECT_EQ(router.due(Timer::advertisement), router.now + 1s);
  router.after(5s);
  EXPECT_EQ(router.count("announce 5"), 1) << "once more after garp_lower_prio_delay";
}

TEST_F(Master, ARivalThatGoesOnIsAnsweredEachTimeButAnnouncementsAreBounded) {
  for (int i = 0; i < 40; ++i) router.after(100ms).hears("10.0.0.2", 50);
  EXPECT_EQ(router.count("send 100"), 40);
  EXPECT_EQ(router.count("announce 5"), 1);
}

TEST_F(Master, AnAnnouncementFollowsTheRivalsLastAdvertisement) {
  router.hears("10.0.0.2", 50).after(4900ms).hears("10.0.0.2", 50).did();
  router.after(200ms);
  EXPECT_EQ(router.count("announce 5"), 1);
}

TEST_F(Master, AnswersPriorityZeroWithItsOwnAdvertisementAndAnnouncesAnew) {
  router.after(500ms).did();
  router.hears("10.0.0.2", 0);
  EXPECT_THAT(router.did(), ElementsAre("send 100", "announce 5")) << "clients may know the other's address";
  EXPECT_EQ(router.due(Timer::advertisement), router.now + 1s);
}

TEST_F(Master, LeavesWithPriorityZero) {
  router.on(Stop{"stopped"});
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> INIT (stopped)", "release"));
  router.after(1min);
  EXPECT_THAT(router.did(), IsEmpty());
}

TEST_F(Master, ItsOwnAdvertisementReflectedIsIgnoredAndToldOnce) {
  router.hears("10.0.0.5", 100).hears("10.0.0.5", 200);
  EXPECT_EQ(router.instance.role(), Role::master);
  EXPECT_THAT(router.did(), ElementsAre(HasSubstr("from our own address 10.0.0.5")));
}

TEST(Announcing, BurstsAgainAfterTheDelayAndNotMore) {
  Scenario router{settings(255)};
  router.start().did();
  router.after(4999ms);
  EXPECT_EQ(router.count("announce 5"), 0);
  router.after(1min);
  EXPECT_EQ(router.count("announce 5"), 1);
}

TEST(Announcing, RefreshesForAsLongAsItIsMaster) {
  auto refreshing = settings(255);
  refreshing.announce.refresh = 60s;
  refreshing.announce.refresh_repeat = 2;
  Scenario router{refreshing};
  router.start().after(10min);
  EXPECT_EQ(router.count("announce 2"), 10);
  router.hears("10.0.0.9", 255).did();
  router.after(2s);
  EXPECT_EQ(router.instance.role(), Role::backup);
  EXPECT_EQ(router.count("announce 2"), 0);
}

TEST(Announcing, WithoutADelayThereIsOneBurst) {
  auto once = settings(255);
  once.announce.delay = 0s;
  Scenario router{once};
  router.start().after(1min);
  EXPECT_EQ(router.count("announce 5"), 1);
}

TEST_F(Master, AfterAPauseItListensForOneSkewTimeBeforeItSpeaks) {
  router.stalls(10s);
  EXPECT_THAT(router.did(), Contains(HasSubstr("listens for 609.4 ms before it speaks")));
  EXPECT_EQ(router.due(Timer::advertisement), router.now + skew);
  router.hears("10.0.0.2", 150);
  EXPECT_THAT(router.did(), ElementsAre("send 0", "MASTER -> BACKUP (10.0.0.2 advertises priority 150, ours is 100)"));
}

TEST_F(Master, AfterAPauseThatNobodyUsedItSpeaksAndAnnounces) {
  router.stalls(10s).did();
  router.after(skew);
  EXPECT_THAT(router.did(), ElementsAre("send 100", "announce 5"));
  router.after(1s);
  EXPECT_THAT(router.did(), ElementsAre("send 100"));
}

TEST_F(Master, AShortDelayIsNoPause) {
  router.stalls(2s);
  EXPECT_EQ(router.count("send 100"), 1);
}

TEST(Pause, ABackupThatStoodStillGivesTheMasterTheTimeToBeHeard) {
  Scenario router;
  router.start().hears("10.0.0.1", 150).did();
  router.stalls(1min);
  EXPECT_EQ(router.instance.role(), Role::backup);
  router.after(1s).hears("10.0.0.1", 150).after(3s);
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Timers, AStaleExpiryDoesNothing) {
  Scenario router;
  router.start();
  const auto first = *router.timers[static_cast<std::size_t>(Timer::master_down)];
  router.after(1s).hears("10.0.0.1", 150).did();
  router.now = first.at;
  router.on(Expired{first.timer, first.generation});
  EXPECT_THAT(router.did(), IsEmpty());
  EXPECT_EQ(router.instance.role(), Role::backup);
}

TEST(Timers, NoneIsSetInThePastAndNoneOfAnotherRoleFires) {
  Scenario router;
  router.start().after(5s).hears("10.0.0.2", 150).did();
  router.after(3s);
  EXPECT_THAT(router.did(), ElementsAre("release")) << "the second announcement was MASTER's";
}

}  // namespace
}  // namespace ballast::vrrpd
