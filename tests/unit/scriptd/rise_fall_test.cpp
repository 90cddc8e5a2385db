#include "daemons/scriptd/policy/rise_fall.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::scriptd {
namespace {

config::VrrpScript script(unsigned rise, unsigned fall, bool init_fail = false) {
  config::VrrpScript made;
  made.name = "web";
  made.rise = rise;
  made.fall = fall;
  made.init_fail = init_fail;
  return made;
}

/// `u`, `d` for each result that tells of a state, `.` for one that does not.
std::string told(RiseFall counter, std::string_view results) {
  std::string out;
  for (const char result : results) {
    const auto state = counter.on_result(result == '+', result == '+' ? "exit status 0" : "exit status 1", 1);
    out += !state ? '.' : state->up ? 'u' : 'd';
  }
  return out;
}

TEST(RiseFall, OneResultIsEnoughAtTheBeginning) {
  EXPECT_EQ(told(RiseFall{script(3, 3)}, "+"), "u");
  EXPECT_EQ(told(RiseFall{script(3, 3)}, "-"), "d");
}

TEST(RiseFall, ThenItTakesSoManyInARow) {
  EXPECT_EQ(told(RiseFall{script(2, 3)}, "+--+---"), "u.....d");
  EXPECT_EQ(told(RiseFall{script(2, 3)}, "-+-++"), "d...u");
}

TEST(RiseFall, InitFailIsDownUntilItHasSucceededOftenEnough) {
  EXPECT_EQ(told(RiseFall{script(2, 1, true)}, "++"), "du");
}

TEST(RiseFall, AnotherReasonForTheSameStateIsTold) {
  RiseFall counter{script(1, 2)};
  counter.on_result(true, "exit status 0", 1);
  counter.on_result(false, "exit status 1", 2);
  EXPECT_EQ(counter.on_result(false, "exit status 1", 3)->reason, "exit status 1, 2 times");
  EXPECT_EQ(counter.on_result(false, "exit status 1", 4), std::nullopt);
  const auto state = counter.on_result(false, "killed after 2 s", 5);
  EXPECT_EQ(state->reason, "killed after 2 s");
  EXPECT_EQ(state->since, 3);
}

}  // namespace
}  // namespace ballast::scriptd
