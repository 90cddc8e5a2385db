// A daemon that dies: back in time, not back in time, dying again and again.
#include <gtest/gtest.h>

#include "common/runtime/absence.hpp"

namespace ballast::runtime {
namespace {

using namespace std::chrono_literals;

using Duration = BootClock::duration;
constexpr Duration patience = 3s;

class Absence : public ::testing::Test {
 protected:
  /// A life that begins and gives its last sign at these times; what is found when it has ended at `death`.
  bool dies(Duration began, Duration last_sign, Duration death) {
    lives_.started = TimePoint{began};
    lives_.last_sign = TimePoint{last_sign};
    return away_for_too_long(lives_, TimePoint{death}, patience);
  }
  Lives lives_;
};

TEST_F(Absence, ACrashAfterALongLifeIsNone) { EXPECT_FALSE(dies(100s, 500s, 500s)); }

TEST_F(Absence, OneThatHangsIsAwaySinceItsLastSign) { EXPECT_TRUE(dies(100s, 500s, 510s)); }

TEST_F(Absence, OneThatIsNeverBackIsAwayOnceThePatienceIsOver) {
  EXPECT_FALSE(dies(100s, 500s, 500s));
  EXPECT_FALSE(dies(500s + 200ms, 500s, 501s + 700ms)) << "it ended before it gave a sign";
  EXPECT_TRUE(dies(501s + 900ms, 500s, 503s + 400ms));
}

TEST_F(Absence, LivesTooShortToBeHeardAreNoPresence) {
  EXPECT_FALSE(dies(100s, 500s, 500s));
  Duration now = 500s;
  int deaths = 0;
  for (; deaths < 100; ++deaths) {
    now += 200ms;
    const auto end = now + 300ms;
    if (dies(now, end, end)) break;
    now = end;
  }
  EXPECT_EQ(deaths, 5) << "half a second each";
}

TEST_F(Absence, EachLifeThatIsHeardBeginsAnew) {
  for (Duration began = 100s; began < 200s; began += 2s) EXPECT_FALSE(dies(began, began + 1s, began + 1s));
}

TEST_F(Absence, TheVeryFirstLifeMayBeShort) {
  EXPECT_FALSE(dies(100s, 100s + 100ms, 100s + 100ms));
  EXPECT_FALSE(dies(101s, 101s + 100ms, 101s + 100ms));
  EXPECT_TRUE(dies(103s, 103s + 200ms, 103s + 200ms));
}

}  // namespace
}  // namespace ballast::runtime
