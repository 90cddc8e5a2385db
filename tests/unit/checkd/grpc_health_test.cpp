#include "daemons/checkd/grpc_health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/checkd/h2_frames.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::string_literals;
using testing::HasSubstr;

Verdict judge(const std::string& body, const std::string& grpc_status = "0", const std::string& message = "",
              unsigned status = 200) {
  HealthAnswer answer;
  if (answer.on_status(status)) answer.on_body(body);
  if (grpc_status != "none") answer.on_field("grpc-status", grpc_status);
  if (!message.empty()) answer.on_field("grpc-message", message);
  return answer.judge("gRPC health");
}

TEST(GrpcHealth, ARequestNamesItsService) {
  EXPECT_EQ(encode_health_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(encode_health_request("shop"), "\0\0\0\0\6\x0a\4shop"s);
  const auto long_name = encode_health_request(std::string(300, 'x'));
  EXPECT_EQ(long_name.substr(0, 8), "\0\0\0\1\x2f\x0a\xac\2"s);
}

TEST(GrpcHealth, ServingPasses) {
  const auto verdict = judge(h2::health(1));
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, "gRPC health: SERVING");
}

TEST(GrpcHealth, AnythingElseIsSaidInWords) {
  EXPECT_EQ(judge(h2::health(2)).reason, "gRPC health: NOT_SERVING, wanted SERVING");
  EXPECT_EQ(judge(h2::health(2)).cause, Cause::said_down);
  EXPECT_EQ(judge(h2::health(3)).reason, "gRPC health: SERVICE_UNKNOWN, wanted SERVING");
  EXPECT_EQ(judge("\0\0\0\0\0"s).reason, "gRPC health: UNKNOWN, wanted SERVING");
  EXPECT_EQ(judge(h2::health(77)).reason, "gRPC health: status 77, wanted SERVING");
}

TEST(GrpcHealth, AStatusOfGrpcIsSaidByNameWithItsMessage) {
  EXPECT_EQ(judge("", "5", "unknown\nservice").reason, "gRPC health: NOT_FOUND (unknown?service)");
  EXPECT_EQ(judge("", "12").reason, "gRPC health: UNIMPLEMENTED");
  EXPECT_EQ(judge("", "99").reason, "gRPC health: code 99");
  EXPECT_EQ(judge("", "x").cause, Cause::malformed);
  EXPECT_THAT(judge(h2::health(1), "none").reason, HasSubstr("no grpc-status"));
  EXPECT_EQ(judge("", "0", "", 404).reason, "gRPC health: HTTP status 404, wanted 200");
}

TEST(GrpcHealth, UnknownFieldsArePassedOver) {
  const auto message =
      "\x12\3abc\x1d"
      "1234\x21"
      "12345678\x28\xff\1\x08\1"s;
  const auto prefix = "\0\0\0\0"s + static_cast<char>(message.size());
  EXPECT_EQ(decode_health_reply(prefix + message).value(), 1U);
}

TEST(GrpcHealth, AMessageCutAnywhereIsAnError) {
  const auto whole = "\0\0\0\0\5\x12\1a\x08\1"s;
  EXPECT_TRUE(decode_health_reply(whole));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(decode_health_reply(whole.substr(0, length))) << length;
  for (const auto& bad : {"\1\0\0\0\2\x08\1"s, "\0\0\0\0\1\x08"s, "\0\0\0\0\2\x0b\1"s, "\0\0\0\0\2\0\1"s,
                          "\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, "\xff\xff\xff\xff\xff"s,
                          "\0\0\0\0\x0b\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"s})
    EXPECT_FALSE(decode_health_reply(bad));
}

TEST(GrpcHealth, ABodyWithoutEndIsCutOff) {
  HealthAnswer answer;
  answer.on_status(200);
  bool more = true;
  std::size_t taken = 0;
  for (; more && taken < (1U << 20); taken += 1'000) more = answer.on_body(std::string(1'000, 'x'));
  EXPECT_FALSE(more);
  EXPECT_LT(taken, 10'000U);
  EXPECT_EQ(answer.judge("gRPC health").reason, "gRPC health: not an answer of gRPC (longer than 4 KiB)");
}

}  // namespace
}  // namespace ballast::checkd::test
