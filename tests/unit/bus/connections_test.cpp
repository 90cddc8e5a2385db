#include "tests/unit/bus/broker_fixture.hpp"

namespace ballast::bus {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Connections = BrokerTest;

TEST_F(Connections, AnotherProtocolIsRefusedInWords) {
  const auto id = connect();
  broker.receive(id, {{"op", "hello"}, {"role", "vrrpd"}, {"protocol", 2}});
  EXPECT_THAT(lines(id), ElementsAre(HasSubstr("speaks version 1 of the bus, vrrpd speaks version 2")));
  EXPECT_TRUE(broker.finished(id));
}

TEST_F(Connections, NothingIsTakenBeforeTheHello) {
  const auto id = connect();
  broker.receive(id, {{"op", "publish"}, {"topic", "vrrp/VI_1"}, {"value", 1}});
  EXPECT_THAT(lines(id), ElementsAre("refused: 'publish' before the hello"));
}

TEST_F(Connections, WhoSaysNoHelloIsSentAway) {
  const auto id = connect();
  ASSERT_TRUE(broker.deadline());
  pass(std::chrono::milliseconds{4999});
  EXPECT_FALSE(broker.finished(id));
  pass(std::chrono::milliseconds{1});
  EXPECT_THAT(lines(id), ElementsAre("refused: no hello within 5 s"));
}

TEST_F(Connections, WhoDoesNotReadThatItIsSentAwayIsDropped) {
  const auto id = join("ctl");
  broker.malformed(id, "not JSON");
  pass(std::chrono::milliseconds{999});
  EXPECT_FALSE(dropped.contains(id));
  pass(std::chrono::milliseconds{1});
  EXPECT_TRUE(dropped.contains(id));
}

TEST_F(Connections, RootAndTheGroupsReadAndOthersDoNot) {
  join("ctl", false, somebody, {readers});
  join("ctl", false, somebody, {admins});
  const auto stranger = connect(somebody, {1000});
  broker.receive(stranger, {{"op", "hello"}, {"role", "ctl"}, {"protocol", 1}});
  EXPECT_THAT(lines(stranger), ElementsAre("refused: user somebody is neither root nor in the group ballast"));
}

TEST_F(Connections, OnlyRootIsVrrpdAndTheDaemonsUserIsCheckd) {
  join("checkd", false, daemons);
  for (const auto& [role, uid] : {std::pair{"vrrpd", daemons}, {"forwardd", daemons}, {"vrrpd", somebody}}) {
    const auto id = connect(uid, {readers});
    broker.receive(id, {{"op", "hello"}, {"role", role}, {"protocol", 1}});
    EXPECT_THAT(lines(id), ElementsAre(fmt::format("refused: user somebody may not be {}", role)));
  }
}

TEST_F(Connections, ARoleIsAWordAndNotBallastd) {
  for (const char* role : {"", "no/de", "ballastd", "VRRPD"}) {
    const auto id = connect();
    broker.receive(id, {{"op", "hello"}, {"role", role}, {"protocol", 1}});
    EXPECT_THAT(lines(id), ElementsAre(HasSubstr("refused: "))) << role;
  }
}

TEST_F(Connections, FramesThatMakeNoSenseCloseThatConnectionAlone) {
  const auto good = reader("vrrp/");
  lines(good);
  const nlohmann::json oddities[] = {{{"op", "dance"}},
                                     {{"op", 5}},
                                     nlohmann::json::object(),
                                     {{"op", "publish"}},
                                     {{"op", "publish"}, {"topic", 3}, {"value", 1}},
                                     {{"op", "subscribe"}},
                                     {{"op", "request"}, {"id", "x"}, {"to", "vrrpd"}, {"method", "m"}},
                                     {{"op", "ack"}, {"generation", -1}},
                                     {{"op", "event"}, {"event", 7}},
                                     {{"op", "reply"}},
                                     {{"op", "hello"}}};
  for (const auto& oddity : oddities) {
    const auto id = join("vrrpd");
    broker.receive(id, oddity);
    EXPECT_THAT(lines(id), ElementsAre(HasSubstr("closing: "))) << oddity;
    broker.receive(id, {{"op", "publish"}, {"topic", "vrrp/VI_1"}, {"value", 1}});
    broker.disconnected(id);
  }
  EXPECT_THAT(lines(good), IsEmpty()) << "nothing of a closed connection is taken";
  EXPECT_FALSE(broker.finished(good));
}

TEST_F(Connections, TooManyAreTurnedAway) {
  for (std::size_t i = 0; i < Broker::connection_limit; ++i) join("ctl");
  EXPECT_THAT(lines(connect()), ElementsAre("refused: 256 are connected, and no more may be"));
}

TEST_F(Connections, FramesMayBeLongerTheMoreIsKnown) {
  const auto id = connect();
  EXPECT_EQ(broker.frame_limit(id), Broker::stranger_frame);
  EXPECT_EQ(broker.frame_limit(join("ctl")), Broker::reader_frame);
  EXPECT_EQ(broker.frame_limit(join("forwardd")), max_frame);
}

TEST_F(Connections, NoSubscriptionsWithoutEnd) {
  const auto id = join("ctl");
  for (int i = 0; i < 65; ++i) broker.receive(id, {{"op", "subscribe"}, {"prefix", std::to_string(i)}});
  broker.receive(id, {{"op", "subscribe"}, {"prefix", "0"}});
  EXPECT_TRUE(lines(id).front() == "closing: too many subscriptions");
}

}  // namespace
}  // namespace ballast::bus
