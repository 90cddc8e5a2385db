#include "tests/unit/bus/broker_fixture.hpp"

namespace ballast::bus {
namespace {
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Topics = BrokerTest;

TEST_F(Topics, AReaderGetsWhatIsRetainedAndThenChanges) {
  const auto vrrpd = join("vrrpd");
  publish(vrrpd, "vrrp/VI_1", 1);
  publish(vrrpd, "vrrp/VI_2", 2);
  const auto ctl = reader("vrrp/");
  EXPECT_THAT(lines(ctl),
              ElementsAre("snapshot-begin vrrp/", "update vrrp/VI_1=1", "update vrrp/VI_2=2", "snapshot-end vrrp/"));
  publish(vrrpd, "vrrp/VI_1", 3);
  publish(vrrpd, "vrrp/VI_2", nullptr);
  EXPECT_THAT(lines(ctl), ElementsAre("update vrrp/VI_1=3", "update vrrp/VI_2=null"));
  EXPECT_TRUE(woken.contains(ctl));
}

TEST_F(Topics, TheSameValueAgainIsNoChange) {
  const auto vrrpd = join("vrrpd");
  publish(vrrpd, "vrrp/VI_1", 1);
  const auto ctl = reader("vrrp/");
  lines(ctl);
  publish(vrrpd, "vrrp/VI_1", 1);
  publish(vrrpd, "vrrp/unknown", nullptr);
  EXPECT_THAT(lines(ctl), IsEmpty());
}

TEST_F(Topics, OthersPrefixesAreNotHeard) {
  const auto vrrpd = join("vrrpd");
  const auto ctl = reader("health/");
  lines(ctl);
  publish(vrrpd, "vrrp/VI_1", 1);
  EXPECT_THAT(lines(ctl), IsEmpty());
}

TEST_F(Topics, AValueOutlivesItsPublisherButItsNodeTopicDoesNot) {
  const auto checkd = join("checkd");
  publish(checkd, "node/checkd", 5);
  publish(checkd, "health/s/a", true);
  broker.disconnected(checkd);
  EXPECT_THAT(lines(reader("")), ElementsAre("snapshot-begin ", "update health/s/a=true", "snapshot-end "));
}

TEST_F(Topics, AnothersTopicIsRefusedAndTheConnectionClosed) {
  const auto checkd = join("checkd");
  publish(checkd, "vrrp/VI_1", 1);
  EXPECT_THAT(lines(checkd), ElementsAre("closing: checkd may not publish vrrp/VI_1: that is vrrpd's"));
  EXPECT_TRUE(broker.finished(checkd));
  EXPECT_THAT(broker.retained().entries(), IsEmpty());
}

TEST_F(Topics, WhoIsNoDaemonPublishesNothing) {
  const auto ctl = join("ctl");
  publish(ctl, "node/ctl", 1);
  EXPECT_THAT(lines(ctl), ElementsAre("closing: ctl may not publish node/ctl"));
  const auto other = join("ctl");
  publish(other, "admin/s/a", 1);
  EXPECT_THAT(lines(other), ElementsAre(HasSubstr("that is ballastd's")));
}

TEST_F(Topics, ASecondPublisherIsRefusedUntilTheFirstIsGone) {
  const auto first = join("vrrpd");
  const auto second = connect();
  const nlohmann::json hello{{"op", "hello"}, {"role", "vrrpd"}, {"protocol", protocol_version}};
  broker.receive(second, hello);
  EXPECT_THAT(lines(second), ElementsAre("refused: a vrrpd is connected already (pid 7)"));
  EXPECT_TRUE(broker.is_connected("vrrpd"));
  broker.disconnected(first);
  const auto third = connect();
  broker.receive(third, hello);
  EXPECT_THAT(lines(third), ElementsAre("welcome"));
}

TEST_F(Topics, APublisherThatHasToldAllEndsWhatItsPredecessorLeft) {
  const auto before = join("checkd");
  publish(before, "health/s/a", 1);
  publish(before, "health/s/gone", 1);
  broker.disconnected(before);
  const auto ctl = reader("health/");
  lines(ctl);
  const auto after = join("checkd");
  publish(after, "health/s/a", 1);
  broker.receive(after, {{"op", "sync"}});
  EXPECT_THAT(lines(ctl), ElementsAre("update health/s/gone=null", "settled"));
  const auto late = reader("health/");
  EXPECT_THAT(read(late).back().at("settled").get<std::vector<std::string>>(), Contains("health/"));
}

TEST_F(Topics, AReaderThatOverflowsGetsAFreshSnapshot) {
  const auto vrrpd = join("vrrpd");
  publish(vrrpd, "vrrp/VI_0", "old");
  const auto ctl = reader("vrrp/");
  lines(ctl);
  const std::string long_text(200, 'x');
  for (int i = 0; i < 100; ++i) publish(vrrpd, fmt::format("vrrp/VI_{}", i % 3), fmt::format("{}{}", long_text, i));
  EXPECT_THAT(notes, Contains(HasSubstr("ctl (pid 7) reads too slowly")));
  const auto frames = read(ctl);
  ASSERT_EQ(frames.size(), 5U) << "the snapshot alone";
  EXPECT_EQ(frames.front().at("op"), "snapshot-begin");
  EXPECT_EQ(frames[1].at("value"), long_text + "99") << "VI_0's last value";
  EXPECT_EQ(frames.back().at("op"), "snapshot-end");
}

TEST_F(Topics, AReaderThatOverflowsSlowsNobody) {
  const auto vrrpd = join("vrrpd");
  const auto slow = reader("vrrp/");
  const auto quick = reader("vrrp/");
  lines(slow);
  lines(quick);
  const std::string long_text(200, 'x');
  for (int i = 0; i < 100; ++i) {
    publish(vrrpd, "vrrp/VI_1", fmt::format("{}{}", long_text, i));
    EXPECT_EQ(lines(quick).size(), 1U);
  }
  EXPECT_FALSE(broker.finished(vrrpd));
  EXPECT_FALSE(broker.finished(slow));
}

TEST_F(Topics, ChangesDuringASnapshotAreToldOnceAndInOrder) {
  const auto vrrpd = join("vrrpd");
  for (const char* name : {"a", "b", "c"}) publish(vrrpd, fmt::format("vrrp/{}", name), 1);
  const auto ctl = reader("vrrp/");
  EXPECT_EQ(broker.take(ctl, 1).size(), 2U) << "the beginning and vrrp/a";
  publish(vrrpd, "vrrp/a", 2);
  publish(vrrpd, "vrrp/c", 2);
  EXPECT_THAT(lines(ctl), ElementsAre("update vrrp/a=2", "update vrrp/b=1", "update vrrp/c=2", "snapshot-end vrrp/"));
}

TEST_F(Topics, EventsGetTimeAndDaemonAndAreKeptAndSpread) {
  const auto checkd = join("checkd");
  const auto ctl = reader("events");
  lines(ctl);
  auto told = event("m");
  told.daemon = "vrrpd";
  broker.receive(checkd, {{"op", "event"}, {"event", told}});
  const auto frames = read(ctl);
  ASSERT_EQ(frames.size(), 1U);
  const auto heard = frames[0].at("event").get<Event>();
  EXPECT_EQ(heard.daemon, "checkd") << "whatever it says";
  EXPECT_EQ(heard.time, 1000.5);
  for (int i = 0; i < 10'100; ++i) broker.event(event(std::to_string(i)));
  EXPECT_EQ(broker.events(100'000).size(), EventRing::capacity);
  EXPECT_EQ(broker.events(2).front().message, "10098");
}

TEST_F(Topics, EventsOfOthersThanDaemonsAreRefused) {
  const auto ctl = join("ctl");
  broker.receive(ctl, {{"op", "event"}, {"event", event("x")}});
  EXPECT_THAT(lines(ctl), ElementsAre("closing: ctl has no events to tell"));
}

}  // namespace
}  // namespace ballast::bus
