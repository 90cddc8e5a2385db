#include "daemons/checkd/http_answer.hpp"

#include <gtest/gtest.h>

namespace ballast::checkd::test {
namespace {

Verdict judge(const config::HttpUrl& url, std::string_view body, std::size_t times = 1) {
  HttpAnswer answer{url};
  const auto regex = config::Regex::compile(*url.regex);
  answer.on_status(200);
  for (std::size_t i = 0; i < times && answer.on_body(body); ++i) {
  }
  return answer.judge("GET /", &regex.value());
}

config::HttpUrl with_regex(const std::string& pattern, bool must_not_match = false) {
  config::HttpUrl url;
  url.regex.emplace().pattern = pattern;
  url.regex->must_not_match = must_not_match;
  return url;
}

TEST(HttpAnswerRegex, AMatchInTheBodyIsWanted) {
  EXPECT_EQ(judge(with_regex("state: (ok|fine)"), "state: fine\n").reason, "GET /: status 200, the regex matches");
  const auto verdict = judge(with_regex("state: ok"), "state: ill\n");
  EXPECT_EQ(verdict.cause, Cause::content);
  EXPECT_EQ(verdict.reason, "GET /: the regex does not match the body");
}

TEST(HttpAnswerRegex, OrIsNot) {
  EXPECT_EQ(judge(with_regex("ill", true), "state: ok\n").reason, "GET /: status 200, the regex does not match");
  EXPECT_EQ(judge(with_regex("ill", true), "state: ill\n").reason, "GET /: the regex matches the body");
}

TEST(HttpAnswerRegex, ABodyInPiecesIsOneText) { EXPECT_TRUE(judge(with_regex("^(ab){50}$"), "ab", 50).passed()); }

TEST(HttpAnswerRegex, WhatComesAfterAMebibyteIsNotLookedAt) {
  EXPECT_FALSE(judge(with_regex("y"), std::string(1U << 20, 'x') + "y").passed());
}

TEST(HttpAnswerRegex, ASearchThatTakesTooLongIsGivenUp) {
  const auto verdict = judge(with_regex("(a+)+$"), std::string(100, 'a') + "b");
  EXPECT_EQ(verdict.cause, Cause::content);
  EXPECT_EQ(verdict.reason, "GET /: the search for the regex was given up: it would take too much time or memory");
}

}  // namespace
}  // namespace ballast::checkd::test
