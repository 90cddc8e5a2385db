#include "common/net/checksum.hpp"

#include <gtest/gtest.h>

namespace ballast::net {
namespace {

TEST(Checksum, MatchesTheExampleOfRfc1071) {
  const std::array<std::uint8_t, 8> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_finish(checksum_add(bytes)), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, MatchesACapturedVrrpAdvertisementWithPseudoHeader) {
  const std::array<std::uint8_t, 12> message{0x31, 0x33, 0xc8, 0x01, 0x00, 0x32, 0x11, 0xa3, 0x0a, 0x01, 0x00, 0x64};
  const auto pseudo =
      pseudo_header_sum(IpAddress::parse("10.1.0.1").value(), IpAddress::parse("224.0.0.18").value(), 112, 12);
  EXPECT_EQ(checksum_finish(checksum_add(message, pseudo)), 0);
}

TEST(Checksum, AnOddByteIsPaddedWithZero) {
  const std::array<std::uint8_t, 3> odd{0x12, 0x34, 0x56};
  const std::array<std::uint8_t, 4> even{0x12, 0x34, 0x56, 0x00};
  EXPECT_EQ(checksum_add(odd), checksum_add(even));
}

}  // namespace
}  // namespace ballast::net
