#include "tools/webhook/job.hpp"

#include <gmock/gmock.h>

namespace ballast::webhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

TEST(Headers, AreLinesWithAName) {
  EXPECT_THAT(*parse_headers("Authorization: Bearer x:y\r\n\n# a note\nX-One:two"),
              ElementsAre(Pair("Authorization", "Bearer x:y"), Pair("X-One", "two")));
  EXPECT_THAT(*parse_headers(""), IsEmpty());
}

TEST(Headers, WhatIsNoneIsNamedByItsLineAndNotShown) {
  for (const auto* text : {"secret", ": secret", "a b: secret", "X: secret\x01", "Content-Length: secret",
                           "transfer-encoding: secret", "CONNECTION: secret"}) {
    const auto headers = parse_headers("Good: 1\n" + std::string{text});
    ASSERT_FALSE(headers) << text;
    EXPECT_THAT(headers.error().message, HasSubstr("line 2")) << text;
    EXPECT_THAT(headers.error().message, Not(HasSubstr("secret"))) << text;
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\n";
  EXPECT_FALSE(parse_headers(many));
}

TEST(Job, IsReadWithItsDefaults) {
  const auto job = parse_job(R"({"url": "https://example.com/in", "body": {"a": 1}})");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->body, R"({"a":1})");
  EXPECT_TRUE(job->verify);
  EXPECT_EQ(job->tries, 5U);
  EXPECT_EQ(job->timeout, std::chrono::seconds{5});
}

TEST(Job, SaysWhatIsWrongWithoutItsSecrets) {
  for (const auto* text : {"", "{", "[]", "{}", R"({"url": "https://secret"})", R"({"url": "secret", "body": ""})",
                           R"({"url": "https://a/secret", "body": "", "tries": 0})",
                           R"({"url": "https://a/secret", "body": "", "tries": "secret"})",
                           R"({"url": "https://a/secret", "body": "", "timeout": 0})",
                           R"({"url": "https://a/secret", "body": "", "timeout": 1e99})",
                           R"({"url": "https://a/", "body": "", "headers": "secret"})"}) {
    const auto job = parse_job(text);
    ASSERT_FALSE(job) << text;
    EXPECT_THAT(job.error().message, Not(HasSubstr("secret"))) << text;
  }
}

}  // namespace
}  // namespace ballast::webhook
