#include "daemons/checkd/schedule.hpp"

#include <gtest/gtest.h>

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;

TEST(Schedule, HoweverLongAProbeTakesTheNextIsOnTheGrid) {
  const Schedule schedule{10s + 300ms, 1s};
  EXPECT_EQ(schedule.after(10s + 301ms, 1s), 11s + 300ms);
  EXPECT_EQ(schedule.after(11s + 299ms, 1s), 11s + 300ms);
}

TEST(Schedule, PointsThatWereMissedAreNotMadeUpFor) {
  const Schedule schedule{10s, 1s};
  EXPECT_EQ(schedule.after(11s, 1s), 12s) << "a probe that took the whole interval";
  EXPECT_EQ(schedule.after(17s + 400ms, 1s), 18s);
}

TEST(Schedule, ARetryWaitsFromItsFailureAndTheGridStays) {
  const Schedule schedule{10s, 5s};
  EXPECT_EQ(schedule.after(10s + 200ms, 300ms), 10s + 500ms);
  EXPECT_EQ(schedule.after(10s + 600ms, 5s), 15s);
}

TEST(Schedule, WhatAStallHeldUpIsSpreadOverTheTimeThatWasLost) {
  const Schedule schedule{10s, 60s};
  EXPECT_EQ(schedule.pause(10s, 10s + 100ms, 0.9), 0s) << "late, but no stall";
  EXPECT_EQ(schedule.pause(10s, 14s, 0.5), 2s);
  EXPECT_EQ(schedule.pause(10s, 9'000s, 0.5), 30s) << "an interval at most";
}

}  // namespace
}  // namespace ballast::checkd::test
