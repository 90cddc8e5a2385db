#include "common/netlink/attributes.hpp"

#include <gmock/gmock.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <vector>

#include "common/netlink/parse.hpp"

namespace ballast::netlink {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<std::pair<int, Bytes>> all(const Bytes& bytes) {
  std::vector<std::pair<int, Bytes>> found;
  for_each_attribute(bytes, [&](std::uint16_t type, std::span<const std::uint8_t> payload) {
    found.emplace_back(type, Bytes{payload.begin(), payload.end()});
  });
  return found;
}

TEST(Attributes, AreReadWithTheirPadding) {
  EXPECT_THAT(all({5, 0, 1, 0, 7, 0, 0, 0, 6, 0, 2, 0, 8, 9}),
              ::testing::ElementsAre(std::pair{1, Bytes{7}}, std::pair{2, Bytes{8, 9}}));
}

TEST(Attributes, ALengthPastTheEndEndsThem) {
  EXPECT_THAT(all({5, 0, 1, 0, 7, 0, 0, 0, 9, 0, 2, 0, 8, 9, 0, 0}), ::testing::ElementsAre(std::pair{1, Bytes{7}}));
}

TEST(Attributes, ALengthShorterThanTheHeaderEndsThem) {
  EXPECT_THAT(all({0, 0, 1, 0}), ::testing::IsEmpty());
  EXPECT_THAT(all({3, 0, 1, 0}), ::testing::IsEmpty());
}

struct LinkMessage {
  nlmsghdr header{};
  ifinfomsg body{};
  std::array<std::uint8_t, 64> attributes{};
};

TEST(ParseLink, AVlanDeviceWithItsTagAndTheDeviceBelow) {
  LinkMessage message;
  message.header.nlmsg_type = RTM_NEWLINK;
  message.body.ifi_index = 9;
  const Bytes attributes{8,    0,   IFLA_LINK,
                         0,  // the device below:
                         4,    0,   0,
                         0,  //
                         28,   0,   IFLA_LINKINFO,
                         0x80,  //
                         9,    0,   IFLA_INFO_KIND,
                         0,    'v', 'l',
                         'a',  'n', 0,
                         0,    0,   0,  //
                         12,   0,   IFLA_INFO_DATA,
                         0x80,  //
                         6,    0,   IFLA_VLAN_ID,
                         0,    7,   0,
                         0,    0};
  std::ranges::copy(attributes, message.attributes.begin());
  message.header.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + sizeof(ifinfomsg) + attributes.size());
  const auto link = parse_link(message.header);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "vlan");
  EXPECT_EQ(link->vlan, 7);
  EXPECT_EQ(link->peer_index, 4);
  EXPECT_FALSE(link->peer_elsewhere);
}

struct AddressMessage {
  nlmsghdr header{};
  ifaddrmsg body{};
  std::array<std::uint8_t, 32> attributes{};
};

TEST(ParseAddress, TruncatedAnywhereIsNoAddressAndNoCrash) {
  AddressMessage message;
  message.header.nlmsg_type = RTM_NEWADDR;
  message.body.ifa_family = AF_INET;
  message.body.ifa_prefixlen = 24;
  message.attributes = {8, 0, IFA_LOCAL, 0, 192, 0, 2, 1};
  const std::size_t whole = sizeof(nlmsghdr) + sizeof(ifaddrmsg) + 8;
  for (std::size_t length = 0; length < whole; ++length) {
    message.header.nlmsg_len = static_cast<std::uint32_t>(length);
    EXPECT_FALSE(parse_address(message.header)) << length;
  }
  message.header.nlmsg_len = static_cast<std::uint32_t>(whole);
  const auto parsed = parse_address(message.header);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->prefix.to_string(), "192.0.2.1/24");
}

}  // namespace
}  // namespace ballast::netlink
