#include "daemons/vrrpd/protocol/announcement.hpp"

#include <gmock/gmock.h>

#include "common/net/checksum.hpp"

namespace ballast::vrrpd {
namespace {

using testing::ElementsAreArray;

const net::MacAddress mac = net::MacAddress::parse("02:00:00:00:00:01").value();

TEST(Announcement, AGratuitousArpRequestIsBroadcastAndNamesTheAddressTwice) {
  const auto frame = gratuitous_arp(net::IpAddress::parse("10.0.0.100").value(), mac, ArpForm::request);
  EXPECT_THAT(frame, ElementsAreArray<std::uint8_t>({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0,
                                                     0,    1,    0x08, 0x06,                                // Ethernet
                                                     0,    1,    0x08, 0x00, 6,    4,    0,  1,             // request
                                                     2,    0,    0,    0,    0,    1,    10, 0, 0, 100,     // sender
                                                     0,    0,    0,    0,    0,    0,    10, 0, 0, 100}));  // target
}

TEST(Announcement, TheReplyFormDiffersByOperationAndTargetOnly) {
  const auto address = net::IpAddress::parse("10.0.0.100").value();
  auto frame = gratuitous_arp(address, mac, ArpForm::reply);
  EXPECT_EQ(frame[21], 2);
  EXPECT_THAT((std::vector<std::uint8_t>{frame.begin() + 32, frame.begin() + 38}), ElementsAreArray(mac.bytes));
}

TEST(Announcement, AnUnsolicitedNeighbourAdvertisementOverridesAndChecksOut) {
  const auto address = net::IpAddress::parse("2001:db8::100").value();
  const auto frame = unsolicited_advertisement(address, mac, false);
  EXPECT_EQ(frame[0], 0x33);
  EXPECT_EQ(frame[21], 255) << "hop limit";
  EXPECT_EQ(frame[54], 136) << "type";
  EXPECT_EQ(frame[58], 0x20) << "override alone";
  EXPECT_EQ(frame[78], 2) << "target link-layer address";
  EXPECT_THAT((std::vector<std::uint8_t>{frame.begin() + 62, frame.begin() + 78}), ElementsAreArray(address.bytes()));
  const auto all_nodes = net::IpAddress::parse("ff02::1").value();
  const auto sum = net::checksum_add(std::span{frame}.subspan(54), net::pseudo_header_sum(address, all_nodes, 58, 32));
  EXPECT_EQ(net::checksum_finish(sum), 0);
  EXPECT_EQ(unsolicited_advertisement(address, mac, true)[58], 0xa0) << "router";
}

}  // namespace
}  // namespace ballast::vrrpd
