#include "daemons/checkd/policy.hpp"

#include <gtest/gtest.h>

namespace ballast::checkd {
namespace {
using namespace std::chrono_literals;
using Change = CheckPolicy::Change;

const Verdict passed{Cause::passed, 0, "connect to 10.0.0.2:80: accepted", {}};
const Verdict refused{Cause::refused, 0, "connect to 10.0.0.2:80: refused", {}};
const Verdict timed_out{Cause::timed_out, 0, "connect to 10.0.0.2:80: timed out after 1 s", {}};

config::Check check_of(unsigned retry) {
  config::Check check;
  check.delay_loop = 10s;
  check.connect_timeout = 1s;
  check.delay_before_retry = 2s;
  check.retry = retry;
  return check;
}

CheckPolicy up_policy(unsigned retry) { return {check_of(retry), true, "not probed yet"}; }

TEST(CheckPolicy, StartsAsToldAndSaysWhy) {
  EXPECT_TRUE(up_policy(1).up());
  const CheckPolicy alpha{check_of(1), false, "waiting for the first success"};
  EXPECT_FALSE(alpha.up());
  EXPECT_EQ(alpha.latest().reason, "waiting for the first success");
}

TEST(CheckPolicy, ASuccessIsProbedAgainAfterDelayLoop) {
  auto policy = up_policy(1);
  EXPECT_EQ(policy.on_verdict(passed).wait, 10s);
  EXPECT_TRUE(policy.up());
}

TEST(CheckPolicy, TheFirstSuccessIsNewsTheNextIsNot) {
  auto policy = up_policy(1);
  EXPECT_EQ(policy.on_verdict(passed).change, Change::reason);
  EXPECT_EQ(policy.on_verdict(passed).change, Change::none);
}

TEST(CheckPolicy, AFailureCountsAfterOnePlusRetryTries) {
  auto policy = up_policy(2);
  policy.on_verdict(passed);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto step = policy.on_verdict(refused);
    EXPECT_EQ(step.wait, 2s) << "delay_before_retry";
    EXPECT_EQ(step.change, Change::none);
    EXPECT_TRUE(policy.up());
  }
  const auto step = policy.on_verdict(refused);
  EXPECT_EQ(step.change, Change::state);
  EXPECT_EQ(step.wait, 10s);
  EXPECT_FALSE(policy.up());
  EXPECT_EQ(policy.latest().reason, refused.reason);
}

TEST(CheckPolicy, WithoutRetryTheFirstFailureCounts) {
  auto policy = up_policy(0);
  EXPECT_EQ(policy.on_verdict(refused).change, Change::state);
}

TEST(CheckPolicy, ASuccessBetweenFailuresStartsTheCountAnew) {
  auto policy = up_policy(1);
  policy.on_verdict(refused);
  policy.on_verdict(passed);
  policy.on_verdict(refused);
  EXPECT_TRUE(policy.up());
  policy.on_verdict(refused);
  EXPECT_FALSE(policy.up());
}

TEST(CheckPolicy, WhatIsDownIsProbedEveryDelayLoopAndIsUpAtTheFirstSuccess) {
  auto policy = up_policy(0);
  policy.on_verdict(refused);
  const auto still = policy.on_verdict(refused);
  EXPECT_EQ(still.wait, 10s);
  EXPECT_EQ(still.change, Change::none);
  EXPECT_EQ(policy.on_verdict(passed).change, Change::state);
  EXPECT_TRUE(policy.up());
}

TEST(CheckPolicy, AnotherReasonWhileDownIsNewsOfTheReason) {
  auto policy = up_policy(0);
  policy.on_verdict(refused);
  EXPECT_EQ(policy.on_verdict(timed_out).change, Change::reason);
  EXPECT_EQ(policy.latest().reason, timed_out.reason);
}

TEST(CheckPolicy, TheSameKindWithOtherWordsIsNoNews) {
  auto policy = up_policy(0);
  policy.on_verdict({Cause::digest, 0, "GET /: body's MD5 is aa, wanted cc", {}});
  EXPECT_EQ(policy.on_verdict({Cause::digest, 0, "GET /: body's MD5 is bb, wanted cc", {}}).change, Change::none);
  EXPECT_EQ(policy.on_verdict({Cause::status, 503, "GET /: status 503, wanted 200", {}}).change, Change::reason);
  EXPECT_EQ(policy.on_verdict({Cause::status, 404, "GET /: status 404, wanted 200", {}}).change, Change::reason);
}

TEST(CheckPolicy, AProbeThatCouldNotBeMadeChangesNoStateAndUsesUpNoRetry) {
  const Verdict no_files{Cause::cannot_probe, EMFILE, "cannot probe: open a socket: Too many open files", {}};
  auto policy = up_policy(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policy.on_verdict(no_files).wait, 10s);
  EXPECT_TRUE(policy.up());
  EXPECT_EQ(policy.latest().reason, no_files.reason);
  policy.on_verdict(refused);
  EXPECT_TRUE(policy.up());
}

TEST(CheckPolicy, WarmupSpreadsTheFirstProbe) {
  auto check = check_of(1);
  EXPECT_EQ(CheckPolicy(check, true, "").first_delay(0.9), 0s) << "no warmup";
  check.warmup = 8s;
  const CheckPolicy policy{check, true, ""};
  EXPECT_EQ(policy.first_delay(0.0), 0s);
  EXPECT_EQ(policy.first_delay(0.5), 4s);
  EXPECT_LT(policy.first_delay(0.999), 8s);
}

TEST(CheckPolicy, WhatIsDownComesUpAfterSoManySuccessesInARowAsRiseSays) {
  auto check = check_of(0);
  check.rise = 3;
  CheckPolicy policy{check, true, ""};
  policy.on_verdict(refused);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto step = policy.on_verdict(passed);
    EXPECT_EQ(step.wait, 10s);
    EXPECT_FALSE(policy.up());
  }
  policy.on_verdict(refused);
  for (int attempt = 0; attempt < 2; ++attempt) policy.on_verdict(passed);
  EXPECT_FALSE(policy.up()) << "the failure between them starts the count anew";
  EXPECT_EQ(policy.on_verdict(passed).change, Change::state);
  EXPECT_TRUE(policy.up());
}

TEST(CheckPolicy, AnotherWeightIsNews) {
  auto policy = up_policy(1);
  auto said = passed;
  said.weight = {WeightWord::Kind::percent, 75};
  policy.on_verdict(said);
  EXPECT_EQ(policy.on_verdict(said).change, Change::none);
  said.weight.value = 50;
  EXPECT_EQ(policy.on_verdict(said).change, Change::reason);
}

// A server dies silently right after a good probe; every probe takes connect_timeout to fail.
TEST(CheckPolicy, ASilentDeathIsFoundWithinTheDetectionTime) {
  for (unsigned retry = 0; retry < 4; ++retry) {
    const auto check = check_of(retry);
    CheckPolicy policy{check, true, ""};
    config::Duration clock = policy.on_verdict(passed).wait;
    while (policy.up()) {
      clock += check.connect_timeout;
      const auto step = policy.on_verdict(timed_out);
      if (policy.up()) clock += step.wait;
    }
    EXPECT_EQ(clock, detection_time(check)) << "retry " << retry;
  }
}

TEST(CheckPolicy, WhoIsSuspectedIsDownByItsNextFailure) {
  auto check = config::Check{};
  check.retry = 3;
  CheckPolicy policy{check, true, ""};
  policy.suspect();
  EXPECT_EQ(policy.on_verdict(refused).change, CheckPolicy::Change::state);
  CheckPolicy cleared{check, true, ""};
  cleared.suspect();
  cleared.on_verdict({Cause::passed, 0, "", {}});
  EXPECT_EQ(cleared.on_verdict(refused).change, CheckPolicy::Change::none) << "a success clears it";
}

}  // namespace
}  // namespace ballast::checkd
