// A message cut anywhere, or with a length that lies, is parsed within its bytes.
#include <gtest/gtest.h>
#include <linux/if_link.h>

#include <cstring>

#include "common/netlink/child_link.hpp"
#include "common/netlink/parse.hpp"
#include "common/netlink/route_entry.hpp"

namespace ballast::netlink {
namespace {

class Message {
 public:
  template <class Header>
  Message& header(const Header& header) {
    mnl_nlmsg_put_header(bytes_.data());
    std::memcpy(mnl_nlmsg_put_extra_header(get(), sizeof header), &header, sizeof header);
    return *this;
  }
  template <class T>
  Message& put(std::uint16_t type, const T& value) {
    mnl_attr_put(get(), type, sizeof value, &value);
    return *this;
  }
  nlmsghdr* get() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

 private:
  alignas(nlmsghdr) std::array<char, 1024> bytes_{};
};

/// Parses every beginning of a message, each in memory of exactly its size.
template <class Parse>
void cut_everywhere(Message& whole, Parse parse) {
  const auto length = whole.get()->nlmsg_len;
  for (std::uint32_t cut = sizeof(nlmsghdr); cut <= length; ++cut) {
    std::vector<std::uint32_t> storage((cut + 3) / 4);
    std::memcpy(storage.data(), whole.get(), cut);
    auto* message = reinterpret_cast<nlmsghdr*>(storage.data());
    message->nlmsg_len = cut;
    parse(*message);
  }
}

struct Hop {
  rtnexthop header{sizeof(Hop), 0, 4, 7};
  nlattr gateway{sizeof(nlattr) + 4, RTA_GATEWAY};
  std::array<std::uint8_t, 4> address{192, 0, 2, 9};
};

Message route() {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = 16;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_type = RTN_UNICAST;
  Message message;
  message.header(header)
      .put(RTA_DST, std::array<std::uint8_t, 4>{10, 1, 0, 0})
      .put(RTA_METRICS, std::array<std::uint32_t, 2>{8U | std::uint32_t{RTAX_MTU} << 16, 1400})
      .put(RTA_MULTIPATH, std::array<Hop, 2>{});
  return message;
}

TEST(Truncation, ARouteIsWholeOrParsedWithinItsBytes) {
  auto message = route();
  const auto whole = parse_route_entry(*message.get());
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->destination.to_string(), "10.1.0.0/16");
  EXPECT_EQ(whole->hops.size(), 2U);
  EXPECT_EQ(whole->hops.front().gateway->to_string(), "192.0.2.9");
  EXPECT_EQ(whole->metrics.at(RTAX_MTU), 1400U);
  cut_everywhere(message, [](const nlmsghdr& cut) {
    const auto entry = parse_route_entry(cut);
    EXPECT_LE(entry ? entry->hops.size() : 0, 2U);
  });
}

TEST(Truncation, ARouteWithALengthThatLiesIsNone) {
  for (const auto length : std::array<std::uint8_t, 3>{33, 128, 255}) {
    auto message = route();
    static_cast<rtmsg*>(mnl_nlmsg_get_payload(message.get()))->rtm_dst_len = length;
    EXPECT_FALSE(parse_route_entry(*message.get())) << int{length};
  }
}

TEST(Truncation, ARuleIsWholeOrParsedWithinItsBytes) {
  fib_rule_hdr header{};
  header.family = AF_INET6;
  header.src_len = 64;
  header.action = FR_ACT_TO_TBL;
  Message message;
  message.header(header)
      .put(FRA_SRC, std::array<std::uint8_t, 16>{0x20, 1, 0xd, 0xb8})
      .put(FRA_TABLE, std::uint32_t{1000})
      .put(FRA_UID_RANGE, std::array<std::uint32_t, 2>{1, 2})
      .put(FRA_SPORT_RANGE, std::array<std::uint16_t, 2>{3, 4})
      .put(FRA_TUN_ID, std::uint64_t{5});
  const auto whole = parse_rule_entry(*message.get());
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->from->to_string(), "2001:db8::/64");
  EXPECT_EQ(whole->table, 1000U);
  EXPECT_EQ(whole->source_ports->second, 4);
  cut_everywhere(message, [](const nlmsghdr& cut) { static_cast<void>(parse_rule_entry(cut)); });
}

TEST(Truncation, SettingsAreThoseThatAreWhole) {
  Message message;
  message.header(ifinfomsg{});
  auto* families = mnl_attr_nest_start(message.get(), IFLA_AF_SPEC);
  auto* internet = mnl_attr_nest_start(message.get(), AF_INET);
  message.put(IFLA_INET_CONF, std::array<std::uint32_t, 3>{1, 2, 3});
  mnl_attr_nest_end(message.get(), internet);
  mnl_attr_nest_end(message.get(), families);
  EXPECT_EQ(parse_ipv4_settings(*message.get()), (Ipv4Settings{{1, 1}, {2, 2}, {3, 3}}));
  cut_everywhere(message, [](const nlmsghdr& cut) { EXPECT_LE(parse_ipv4_settings(cut).size(), 3U); });
}

}  // namespace
}  // namespace ballast::netlink
