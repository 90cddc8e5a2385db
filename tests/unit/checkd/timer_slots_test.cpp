#include "daemons/checkd/timer_slots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Noted final : Alarm {
  Noted(std::vector<int>& into, int number) : log(into), name(number) {}
  void ring() override {
    log.push_back(name);
    if (then) then();
  }
  void drop() override { log.push_back(-name); }
  std::vector<int>& log;
  int name;
  std::function<void()> then;
};

struct TimerSlotsTest : testing::Test {
  std::vector<int> rung;
  Noted one{rung, 1}, two{rung, 2}, three{rung, 3};
  TimerSlots slots{100s};
};

TEST_F(TimerSlotsTest, AnAlarmRingsOnceAndNeverEarly) {
  slots.set(one, 100s + 5ms);
  slots.run(100s + 4ms);
  EXPECT_THAT(rung, IsEmpty());
  slots.run(100s + 5ms + TimerSlots::tick);
  EXPECT_THAT(rung, ElementsAre(1));
  EXPECT_FALSE(one.is_set());
  slots.run(200s);
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerSlotsTest, ItTellsWhenToLookNext) {
  EXPECT_EQ(slots.next(), std::nullopt);
  slots.set(one, 100s + 50ms);
  slots.set(two, 100s + 20ms);
  EXPECT_EQ(slots.next(), 100s + 20ms);
  slots.run(100s + 20ms);
  EXPECT_EQ(slots.next(), 100s + 50ms);
}

TEST_F(TimerSlotsTest, WhatIsDueBeyondTheHorizonWaitsItsRounds) {
  slots.set(one, 100s + 60s);
  for (auto now = 100s + 0ms; now < 160s; now += 2s) slots.run(now);
  EXPECT_THAT(rung, IsEmpty());
  slots.run(160s);
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerSlotsTest, AfterALongStallAllThatIsDueRings) {
  slots.set(one, 101s);
  slots.set(two, 130s);
  slots.set(three, 300s);
  slots.run(200s);
  EXPECT_THAT(rung, testing::UnorderedElementsAre(1, 2));
  EXPECT_TRUE(three.is_set());
}

TEST_F(TimerSlotsTest, OneSetAnewRingsAtItsNewTimeOnly) {
  slots.set(one, 100s + 10ms);
  slots.set(one, 100s + 30ms);
  slots.run(100s + 20ms);
  EXPECT_THAT(rung, IsEmpty());
  slots.run(100s + 30ms);
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerSlotsTest, OneThatRingsMayEndAnotherThatIsDueAndSetItself) {
  auto victim = std::make_unique<Noted>(rung, 9);
  slots.set(one, 100s + TimerSlots::tick);
  slots.set(*victim, 100s + TimerSlots::tick);
  one.then = [&] {
    victim.reset();
    slots.set(one, 100s + TimerSlots::tick);
  };
  slots.run(100s + TimerSlots::tick);
  EXPECT_THAT(rung, ElementsAre(1));
  one.then = nullptr;
  slots.run(100s + 2 * TimerSlots::tick);
  EXPECT_THAT(rung, ElementsAre(1, 1));
}

TEST_F(TimerSlotsTest, ClearedTheyAreDroppedAndRingNoMore) {
  slots.set(one, 101s);
  slots.set(two, 500s);
  slots.clear();
  EXPECT_THAT(rung, testing::UnorderedElementsAre(-1, -2));
  slots.run(600s);
  EXPECT_EQ(rung.size(), 2U);
}

}  // namespace
}  // namespace ballast::checkd::test
