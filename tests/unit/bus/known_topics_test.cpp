#include "common/bus/known_topics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::bus {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

class KnownTopicsTest : public testing::Test {
 protected:
  /// A snapshot with these topics; what has vanished by it.
  std::vector<std::string> snapshot(const std::vector<std::string>& topics,
                                    const std::vector<std::string>& settled = {}) {
    known.snapshot_begin("");
    for (const auto& topic : topics) known.updated(topic);
    return known.snapshot_end("", settled);
  }
  KnownTopics known;
};

TEST_F(KnownTopicsTest, WhatASnapshotOfTheSameBallastdLacksIsGone) {
  known.connected("one");
  EXPECT_THAT(snapshot({"health/a", "health/b"}), IsEmpty());
  known.connected("one");
  EXPECT_THAT(snapshot({"health/b"}), ElementsAre("health/a"));
  EXPECT_THAT(snapshot({"health/b"}), IsEmpty()) << "said once";
}

TEST_F(KnownTopicsTest, ANewBallastdThatDoesNotKnowYetWithdrawsNothing) {
  known.connected("one");
  snapshot({"health/a", "vrrp/VI_1", "node/checkd"});
  known.connected("two");
  EXPECT_THAT(snapshot({}), ElementsAre("node/checkd")) << "who is not connected is not there";
}

TEST_F(KnownTopicsTest, APublisherThatHasToldAllEndsTheRest) {
  known.connected("one");
  snapshot({"health/a", "health/b", "vrrp/VI_1"});
  known.connected("two");
  snapshot({});
  known.updated("health/b");
  EXPECT_THAT(known.settled({"health/"}), ElementsAre("health/a"));
  EXPECT_THAT(known.settled({"health/"}), IsEmpty());
}

TEST_F(KnownTopicsTest, SettledBeforeTheSnapshotCountsAtItsEnd) {
  known.connected("one");
  snapshot({"health/a", "vrrp/VI_1"});
  known.connected("two");
  EXPECT_THAT(snapshot({}, {"health/"}), ElementsAre("health/a"));
}

TEST_F(KnownTopicsTest, WhatWasWithdrawnDoesNotVanishAgain) {
  known.connected("one");
  snapshot({"health/a"});
  known.withdrawn("health/a");
  EXPECT_THAT(snapshot({}), IsEmpty());
}

}  // namespace
}  // namespace ballast::bus
