#include "daemons/ballastd/restart_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ballastd {
namespace {
using namespace std::chrono_literals;

class RestartPolicyTest : public testing::Test {
 protected:
  /// A life of that length, begun after the pause that the last death asked for.
  RestartPolicy::Verdict life(std::chrono::milliseconds length) {
    time += last.pause;
    policy.started(time);
    time += length;
    return last = policy.died(time);
  }
  RestartPolicy policy;
  RestartPolicy::TimePoint time{1h};
  RestartPolicy::Verdict last;
};

TEST_F(RestartPolicyTest, TheFirstDeathIsAnsweredAtOnce) {
  EXPECT_EQ(life(1h).pause, 0ms);
  EXPECT_FALSE(last.too_late);
  EXPECT_EQ(life(10s).pause, 0ms) << "it had stayed up";
}

TEST_F(RestartPolicyTest, PausesGrowFrom100MillisecondsTo5Seconds) {
  std::vector<int> pauses;
  for (int i = 0; i < 10; ++i) pauses.push_back(static_cast<int>(life(1ms).pause.count()));
  EXPECT_THAT(pauses, testing::ElementsAre(0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000));
  EXPECT_EQ(life(10s).pause, 0ms);
}

TEST_F(RestartPolicyTest, ItIsTooLateWhenItIsAwayForLongerThanItsPeersWait) {
  policy.set_patience(3s);
  std::vector<bool> late;
  for (int i = 0; i < 6; ++i) late.push_back(life(10ms).too_late);
  EXPECT_THAT(late, testing::ElementsAre(false, false, false, false, false, true)) << "100+200+400+800+1600 ms";
}

TEST_F(RestartPolicyTest, ALifeLongEnoughToBeHeardIsNoAbsence) {
  policy.set_patience(3s);
  life(5s);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(life(1500ms).too_late) << i;
  EXPECT_FALSE(life(1500ms).too_late);
  EXPECT_EQ(last.pause, 1600ms);
  EXPECT_TRUE(life(1500ms).too_late) << "a pause of 3.2 s is too long by itself";
}

TEST_F(RestartPolicyTest, ShortAdvertisementIntervalsLeaveLessTime) {
  policy.set_patience(300ms);
  EXPECT_FALSE(life(1h).too_late);
  EXPECT_FALSE(life(1ms).too_late);
  EXPECT_TRUE(life(1ms).too_late);
}

TEST_F(RestartPolicyTest, OnceTooLateItStaysSoUntilItStaysUp) {
  for (int i = 0; i < 10; ++i) life(1ms);
  EXPECT_TRUE(last.too_late);
  EXPECT_FALSE(life(1h).too_late);
}

}  // namespace
}  // namespace ballast::ballastd
