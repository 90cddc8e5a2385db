#include "daemons/checkd/misc_check.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace ballast::checkd {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using namespace std::chrono_literals;

config::MiscCheck check(bool dynamic = false) { return {{{"/check", "x"}, "nobody", "web"}, 2s, dynamic}; }

Verdict judged(const json& answer, bool dynamic = false) { return judge(check(dynamic), 2s, answer); }

json ended(int status) { return {{"status", status}, {"seconds", 0.25}}; }

TEST(MiscCheck, StatusZeroPassesAndAnyOtherFails) {
  EXPECT_TRUE(judged(ended(0)).passed());
  EXPECT_EQ(judged(ended(0)).reason, "/check: exit status 0");
  EXPECT_EQ(judged(ended(0)).took, 250ms);
  const auto three = judged(ended(3));
  EXPECT_EQ(three.cause, Cause::program);
  EXPECT_EQ(three.detail, 3);
  EXPECT_EQ(three.reason, "/check: exit status 3");
}

TEST(MiscCheck, DynamicMakesAWeightOfTheStatus) {
  EXPECT_TRUE(judged(ended(0), true).passed());
  EXPECT_EQ(judged(ended(0), true).weight, WeightWord{});
  EXPECT_EQ(judged(ended(1), true).cause, Cause::program);
  const auto twelve = judged(ended(12), true);
  EXPECT_TRUE(twelve.passed());
  EXPECT_EQ(twelve.weight, (WeightWord{WeightWord::Kind::absolute, 10}));
  EXPECT_EQ(twelve.reason, "/check: exit status 12 (weight 10)");
  EXPECT_EQ(judged(ended(2), true).weight, (WeightWord{WeightWord::Kind::absolute, 0}));
  EXPECT_EQ(judged(ended(255), true).weight, (WeightWord{WeightWord::Kind::absolute, 253}));
}

TEST(MiscCheck, WhatIsKilledFails) {
  const auto late = judged({{"killed", true}, {"seconds", 2.0}}, true);
  EXPECT_EQ(late.cause, Cause::timed_out);
  EXPECT_EQ(late.reason, "/check: killed after 2 s");
  const auto crashed = judged({{"signal", 11}, {"seconds", 0.1}}, true);
  EXPECT_EQ(crashed.cause, Cause::program);
  EXPECT_EQ(crashed.reason, "/check: killed by signal 11 (Segmentation fault)");
}

TEST(MiscCheck, NoAnswerSaysNothingOfTheServer) {
  const auto gone = judge(check(), 2s, fail("scriptd has ended before it answered 'check'"));
  EXPECT_EQ(gone.cause, Cause::cannot_probe);
  EXPECT_EQ(gone.reason, "cannot probe: /check: scriptd has ended before it answered 'check'");
  for (const auto& odd :
       {json::object(), json{{"status", "x"}, {"seconds", 1}}, json{{"status", 0}}, json::array(), json(1)})
    EXPECT_EQ(judged(odd).cause, Cause::cannot_probe) << odd;
}

TEST(MiscCheck, AsksScriptdForItsProgramAndWaitsForItsTurn) {
  config::Check configured;
  configured.kind = config::CheckKind::misc;
  configured.misc = check();
  asio::io_context io;
  json asked;
  std::chrono::milliseconds limit{};
  Surroundings surroundings{
      io.get_executor(),
      [&](std::string method, json params, std::chrono::milliseconds timeout) -> asio::awaitable<Result<json>> {
        asked = {{"method", method}, {"params", params}};
        limit = timeout;
        co_return ended(0);
      }};
  Verdict verdict;
  const auto checker = make_checker(surroundings, configured);
  asio::co_spawn(io, checker->probe(), [&](const std::exception_ptr&, Verdict result) { verdict = std::move(result); });
  io.run();
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(asked,
            (json{{"method", "check"},
                  {"params", {{"words", {"/check", "x"}}, {"user", "nobody"}, {"group", "web"}, {"timeout", 2.0}}}}));
  EXPECT_GT(limit, 1min);
  EXPECT_LT(limit, 1h);
}

}  // namespace
}  // namespace ballast::checkd
