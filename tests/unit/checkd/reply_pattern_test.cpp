// What a reply by UDP must be, and what a file's number and an echo are.
#include "daemons/checkd/reply_pattern.hpp"

#include <gmock/gmock.h>

#include "daemons/checkd/echo.hpp"
#include "daemons/checkd/file_number.hpp"

namespace ballast::checkd {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::HasSubstr;

TEST(ReplyPattern, AnXStandsForAnyFourBits) {
  EXPECT_TRUE(matches_pattern("0ax1", Bytes{0x0a, 0x71}));
  EXPECT_FALSE(matches_pattern("0ax1", Bytes{0x0a, 0x72}));
  EXPECT_FALSE(matches_pattern("xb", Bytes{0x0a}));
}

TEST(ReplyPattern, IsComparedAsFarAsBothGo) {
  EXPECT_TRUE(matches_pattern("0a0b", Bytes{0x0a}));
  EXPECT_TRUE(matches_pattern("0a", Bytes{0x0a, 0xff}));
  EXPECT_TRUE(matches_pattern("", Bytes{1}));
  EXPECT_TRUE(matches_pattern("0a", Bytes{}));
}

TEST(ReplyPattern, HexIsBytes) { EXPECT_EQ(bytes_of_hex("00ff7a"), (Bytes{0x00, 0xff, 0x7a})); }

TEST(UdpReply, IsJudgedOnlyWhereItIsRequired) {
  config::UdpCheck check;
  check.min_reply = 4;
  check.reply = "ff";
  const Bytes reply{1};
  EXPECT_EQ(fault_of_reply(check, 1, reply), "");
  check.require_reply = true;
  EXPECT_EQ(fault_of_reply(check, 1, reply), "a reply of 1 bytes, wanted 4 or more");
  check.min_reply = 0;
  EXPECT_EQ(fault_of_reply(check, 1, reply), "another reply than wanted: 01");
  check.max_reply = 0;
  EXPECT_EQ(fault_of_reply(check, 1, reply), "a reply of more than 0 bytes");
}

TEST(FileNumber, IsTheFirstWord) {
  EXPECT_EQ(parse_number("5\n"), 5);
  EXPECT_EQ(parse_number(" \n+7 more"), 7);
  EXPECT_EQ(parse_number("-2147483648"), -2147483648);
  for (const auto* text : {"", "\n", "x", "5x", "1.5", "+-1", "2147483648", "0x10"})
    EXPECT_FALSE(parse_number(text)) << text;
}

config::FileCheck file_check(int weight, bool dynamic = true, bool reverse = false) {
  config::FileCheck check;
  check.name = "load";
  check.path = "/run/load";
  check.weight = weight;
  check.dynamic = dynamic;
  check.reverse = reverse;
  return check;
}

TEST(FileVerdict, AWeightOfNothingMakesAnyNumberButNoneAFailure) {
  EXPECT_TRUE(judge_file(file_check(0), {"0\n", {}}).passed());
  const auto verdict = judge_file(file_check(0), {"3\n", {}});
  EXPECT_EQ(verdict.cause, Cause::content);
  EXPECT_EQ(verdict.reason, "track_file load (/run/load): 3, wanted 0");
  EXPECT_TRUE(judge_file(file_check(0, true, true), {"3", {}}).passed());
  EXPECT_FALSE(judge_file(file_check(0, true, true), {"0", {}}).passed());
}

TEST(FileVerdict, ADynamicNumberIsAddedToTheWeight) {
  const auto verdict = judge_file(file_check(3), {"5", {}});
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.weight, (WeightWord{WeightWord::Kind::added, 15}));
  EXPECT_EQ(verdict.reason, "track_file load (/run/load): 5, weight +15");
  EXPECT_EQ(judge_file(file_check(3, true, true), {"5", {}}).weight.value, -15);
  EXPECT_EQ(judge_file(file_check(1'000'000), {"2147483647", {}}).weight.value, 2147483647);
}

TEST(FileVerdict, ANumberThatIsNotDynamicChangesNothingUntilItIsAFault) {
  const auto verdict = judge_file(file_check(1, false), {"-5", {}});
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.weight, WeightWord{});
  EXPECT_FALSE(judge_file(file_check(1, false), {"-2147483648", {}}).passed());
  EXPECT_FALSE(judge_file(file_check(1'000'000), {"-2148", {}}).passed());
}

TEST(FileVerdict, AFileThatIsNotThereIsANumberOfNothing) {
  const auto verdict = judge_file(file_check(1), {{}, "No such file or directory"});
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, "track_file load (/run/load): 0, for No such file or directory, weight +0");
  EXPECT_THAT(judge_file(file_check(0), {"what", {}}).reason, HasSubstr("0, for it holds no number"));
}

TEST(Echo, OfIPv4HasAChecksumAndComesBack) {
  const Echo echo{0x1234, 1, {'a', 'b', 'c'}};
  auto bytes = encode_echo_request(net::Family::ipv4, echo);
  ASSERT_EQ(bytes.size(), 11U);
  EXPECT_EQ(bytes[0], 8);
  EXPECT_FALSE(parse_echo_reply(net::Family::ipv4, bytes, false)) << "a request is no reply";
  bytes[0] = 0;
  EXPECT_EQ(parse_echo_reply(net::Family::ipv4, bytes, false), echo);
  Bytes with_header(20);
  with_header[0] = 0x45;
  with_header.insert(with_header.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(parse_echo_reply(net::Family::ipv4, with_header, true), echo);
}

TEST(Echo, OfIPv6HasTypesOfItsOwn) {
  auto bytes = encode_echo_request(net::Family::ipv6, {7, 1, {}});
  EXPECT_EQ(bytes[0], 128);
  bytes[0] = 129;
  EXPECT_EQ(parse_echo_reply(net::Family::ipv6, bytes, false), (Echo{7, 1, {}}));
}

TEST(Echo, EveryTruncationIsNone) {
  Bytes whole(24 + 8);
  whole[0] = 0x46;  // with an option
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_echo_reply(net::Family::ipv4, std::span{whole}.first(size), true)) << size;
  EXPECT_TRUE(parse_echo_reply(net::Family::ipv4, whole, true));
  whole[0] = 0x44;
  EXPECT_FALSE(parse_echo_reply(net::Family::ipv4, whole, true)) << "a header of 16 bytes";
}

}  // namespace
}  // namespace ballast::checkd
