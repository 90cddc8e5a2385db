#include "tests/unit/bus/broker_fixture.hpp"

namespace ballast::bus {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Requests = BrokerTest;

TEST_F(Requests, AnAnswerComesBackUnderTheAskersOwnNumber) {
  const auto forwardd = join("forwardd");
  const auto one = join("ctl");
  const auto two = join("ctl");
  ask(one, 1, "forwardd", "drops");
  ask(two, 1, "forwardd", "services");
  const auto asked_of_it = read(forwardd);
  ASSERT_THAT(asked_of_it, SizeIs(2));
  EXPECT_EQ(asked_of_it[1].at("method"), "services");
  EXPECT_EQ(asked_of_it[1].at("params").at("limit"), 3);
  broker.receive(forwardd, {{"op", "reply"}, {"id", asked_of_it[1].at("id")}, {"value", {{"x", 2}}}});
  broker.receive(forwardd, {{"op", "reply"}, {"id", asked_of_it[0].at("id")}, {"error", "no"}});
  EXPECT_EQ(read(two), (std::vector<nlohmann::json>{{{"op", "reply"}, {"id", 1}, {"value", {{"x", 2}}}}}));
  EXPECT_EQ(read(one), (std::vector<nlohmann::json>{{{"op", "reply"}, {"id", 1}, {"error", "no"}}}));
}

TEST_F(Requests, ADaemonThatIsNotThereIsSaidSo) {
  const auto ctl = join("ctl");
  ask(ctl, 1, "forwardd", "drops");
  EXPECT_THAT(lines(ctl), ElementsAre("reply: forwardd is not connected to ballastd: is it running?"));
}

TEST_F(Requests, ADaemonThatDiesBeforeItsAnswerIsSaidSo) {
  const auto forwardd = join("forwardd");
  const auto ctl = join("ctl");
  ask(ctl, 1, "forwardd", "drops");
  broker.disconnected(forwardd);
  EXPECT_THAT(lines(ctl), ElementsAre("reply: forwardd has ended before it answered 'drops'"));
}

TEST_F(Requests, ADaemonThatNeverAnswersIsSaidSo) {
  join("forwardd");
  const auto ctl = join("ctl");
  ask(ctl, 1, "forwardd", "drops");
  EXPECT_EQ(broker.deadline(), time + RequestTable::patience);
  pass(RequestTable::patience);
  EXPECT_THAT(lines(ctl), ElementsAre("reply: forwardd has not answered 'drops' within 60 s"));
  EXPECT_FALSE(broker.deadline());
}

TEST_F(Requests, OnlyWhoWasAskedAnswers) {
  const auto forwardd = join("forwardd");
  const auto vrrpd = join("vrrpd");
  const auto ctl = join("ctl");
  ask(ctl, 1, "forwardd", "drops");
  const auto number = read(forwardd).front().at("id");
  broker.receive(vrrpd, {{"op", "reply"}, {"id", number}, {"value", "wrong"}});
  EXPECT_THAT(read(ctl), IsEmpty());
  broker.receive(forwardd, {{"op", "reply"}, {"id", number}, {"value", "right"}});
  EXPECT_EQ(read(ctl).front().at("value"), "right");
}

TEST_F(Requests, AnAnswerToOneWhoIsGoneIsDropped) {
  const auto forwardd = join("forwardd");
  const auto ctl = join("ctl");
  ask(ctl, 1, "forwardd", "drops");
  const auto number = read(forwardd).front().at("id");
  broker.disconnected(ctl);
  broker.receive(forwardd, {{"op", "reply"}, {"id", number}, {"value", 1}});
  EXPECT_FALSE(broker.finished(forwardd));
}

TEST_F(Requests, BallastdIsToldWhoAsksAndWhatTheyMay) {
  ask(join("ctl"), 4, "ballastd", "reload");
  ask(join("ctl", false, somebody, {readers}), 5, "ballastd", "reload");
  ask(join("ctl", false, somebody, {admins}), 6, "ballastd", "reload");
  ASSERT_THAT(asked, SizeIs(3));
  EXPECT_TRUE(asked[0].may_change);
  EXPECT_EQ(asked[0].user, "root");
  EXPECT_FALSE(asked[1].may_change);
  EXPECT_TRUE(asked[2].may_change);
  broker.reply(asked[1].from, asked[1].id, fail("you may not"));
  EXPECT_THAT(lines(asked[1].from), ElementsAre("reply: you may not"));
}

TEST_F(Requests, WhoAsksAndNeverReadsIsDropped) {
  const auto ctl = join("ctl");
  const std::string answer(1000, 'x');
  for (int i = 0; i < 100; ++i) broker.reply(ctl, i, nlohmann::json(answer));
  EXPECT_TRUE(dropped.contains(ctl));
}

TEST_F(Requests, WhoAsksWithoutEndIsToldToWait) {
  const auto forwardd = join("forwardd");
  const auto ctl = join("ctl");
  for (int i = 0; i < 257; ++i) ask(ctl, i, "forwardd", "drops");
  EXPECT_THAT(read(forwardd), SizeIs(256));
  EXPECT_THAT(lines(ctl), ElementsAre("reply: 256 requests are waiting already"));
}

TEST_F(Requests, ADaemonMayHaveThousandsWaiting) {
  const auto scriptd = join("scriptd");
  const auto checkd = join("checkd");
  for (int i = 0; i < 8'193; ++i) {
    ask(checkd, i, "scriptd", "check");
    if (i % 16 == 0) read(scriptd);
  }
  EXPECT_THAT(lines(checkd), ElementsAre("reply: 8192 requests are waiting already"));
  broker.disconnected(scriptd);
  EXPECT_FALSE(broker.deadline());
}

TEST_F(Requests, AnAskerSaysHowLongItWaits) {
  join("scriptd");
  const auto checkd = join("checkd");
  const auto wait = [&](int number, double patience) {
    broker.receive(checkd,
                   {{"op", "request"}, {"id", number}, {"to", "scriptd"}, {"method", "check"}, {"patience", patience}});
  };
  wait(1, 1e9);
  EXPECT_EQ(broker.deadline(), time + RequestTable::longest_patience);
  wait(2, 300.5);
  EXPECT_EQ(broker.deadline(), time + std::chrono::milliseconds{300'500});
  pass(std::chrono::milliseconds{300'500});
  EXPECT_THAT(lines(checkd), ElementsAre("reply: scriptd has not answered 'check' within 300.5 s"));
  pass(RequestTable::longest_patience);
  EXPECT_THAT(lines(checkd), ElementsAre("reply: scriptd has not answered 'check' within 3600 s"));
  wait(3, -1);
  EXPECT_EQ(broker.deadline(), time + std::chrono::milliseconds{1});
}

TEST_F(Requests, ADaemonIsToldWhoAsks) {
  const auto scriptd = join("scriptd");
  ask(join("checkd", false, daemons), 1, "scriptd", "check");
  ask(join("ctl", false, somebody, {readers}), 1, "scriptd", "check");
  ask(join("ctl", false, somebody, {admins}), 1, "scriptd", "check");
  const auto frames = read(scriptd);
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(frames[0].at("from"), "checkd");
  EXPECT_EQ(frames[1].at("from"), "ctl");
  EXPECT_FALSE(frames[1].at("may_change").get<bool>());
  EXPECT_TRUE(frames[2].at("may_change").get<bool>());
}

}  // namespace
}  // namespace ballast::bus
