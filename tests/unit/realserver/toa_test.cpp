// The TCP option as the programs read it, compiled for this machine.
#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <cstring>
#include <random>

namespace ballast::realserver {
#include "tools/realserver/bpf/toa.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes ipv4_option{254, 8, 0x9c, 0x40, 198, 51, 100, 7};
const Bytes ipv6_option{254, 20, 0xc3, 0x50, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
const Bytes timestamps{8, 10, 1, 2, 3, 4, 5, 6, 7, 8};

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// "address port", or "" where there is no TOA. Read from memory of just that size, where a sanitizer sees every step
/// too far.
std::string find(const Bytes& options) {
  const std::unique_ptr<std::uint8_t[]> exact{new std::uint8_t[options.size()]};
  std::ranges::copy(options, exact.get());
  toa_client client{};
  if (toa_find(exact.get(), exact.get() + options.size(), &client) != TOA_FOUND) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, client.address, text.data(), text.size());
  return fmt::format("{} {}", text.data(), ntohs(client.port));
}

TEST(Toa, BothForms) {
  EXPECT_EQ(sizeof(toa_ipv4), std::size_t{TOA_IPV4_LENGTH});
  EXPECT_EQ(sizeof(toa_ipv6), std::size_t{TOA_IPV6_LENGTH});
  EXPECT_EQ(find(ipv4_option), "::ffff:198.51.100.7 40000");
  EXPECT_EQ(find(ipv6_option), "2001:db8::7 50000");
}

TEST(Toa, AmongOthersAtAnyAlignment) {
  for (const auto& before :
       {timestamps, Bytes{1}, Bytes{1, 1, 1}, Bytes{1} + timestamps, Bytes{5, 18} + Bytes(16, 9)}) {
    EXPECT_EQ(find(before + ipv4_option), "::ffff:198.51.100.7 40000");
    EXPECT_EQ(find(before + ipv4_option + timestamps), "::ffff:198.51.100.7 40000");
    EXPECT_EQ(find(before + ipv6_option), "2001:db8::7 50000");
  }
  EXPECT_EQ(find(Bytes(32, 1) + ipv4_option), "::ffff:198.51.100.7 40000");
}

TEST(Toa, NoneOfIt) {
  EXPECT_EQ(find({}), "");
  EXPECT_EQ(find(timestamps), "");
  EXPECT_EQ(find(Bytes(40, 1)), "");
  EXPECT_EQ(find(Bytes{0} + ipv4_option), "") << "behind the end of the list";
  EXPECT_EQ(find({254, 4, 0xf9, 0x89}), "") << "Fast Open's, which has the same kind";
  EXPECT_EQ(find(Bytes{254, 4, 0xf9, 0x89} + ipv4_option), "::ffff:198.51.100.7 40000");
}

TEST(Toa, CutAtAnyByte) {
  for (const auto& option : {ipv4_option, ipv6_option, timestamps + ipv6_option}) {
    for (std::size_t length = 0; length < option.size(); ++length) {
      EXPECT_EQ(find({option.begin(), option.begin() + static_cast<std::ptrdiff_t>(length)}), "") << length;
    }
  }
}

TEST(Toa, LengthsThatLie) {
  for (const unsigned length : {0, 1, 41, 255}) {
    EXPECT_EQ(find(Bytes{30, static_cast<std::uint8_t>(length)} + ipv4_option), "") << length;
  }
  for (const unsigned length : {7, 9, 19, 21}) {
    auto option = ipv6_option + Bytes(4, 1);
    option[1] = static_cast<std::uint8_t>(length);
    EXPECT_EQ(find(option), "") << length;
  }
}

TEST(Toa, NoiseIsReadWithinItsBounds) {
  std::mt19937 random{7};
  for (unsigned round = 0; round < 100000; ++round) {
    Bytes options(random() % 41);
    for (auto& byte : options) {
      const std::uint8_t often[] = {0, 1, 2, 8, 20, 254};
      byte = random() % 2 == 0 ? often[random() % std::size(often)] : static_cast<std::uint8_t>(random());
    }
    find(options);
  }
}

}  // namespace
}  // namespace ballast::realserver
