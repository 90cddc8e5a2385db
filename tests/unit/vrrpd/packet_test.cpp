#include "daemons/vrrpd/protocol/packet.hpp"

#include <gmock/gmock.h>

namespace ballast::vrrpd {
namespace {

using net::IpAddress;
using net::MacAddress;
using Bytes = std::vector<std::uint8_t>;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
MacAddress mac(std::string_view text) { return MacAddress::parse(text).value(); }

const MacAddress ours = mac("02:00:00:00:00:01");
const MacAddress theirs = mac("02:00:00:00:00:02");

template <class Frame>
Bytes packet_of(const Frame& frame) {
  return {frame.begin() + 14, frame.end()};
}

Bytes ipv4_packet(const Bytes& payload, std::uint8_t header_words = 5) {
  Bytes packet(header_words * 4U, 0);
  packet[0] = static_cast<std::uint8_t>(0x40 | header_words);
  packet[3] = static_cast<std::uint8_t>(packet.size() + payload.size());
  packet[8] = 255;
  packet[9] = 112;
  std::ranges::copy(ip("10.0.0.1").bytes(), packet.begin() + 12);
  std::ranges::copy(ip("224.0.0.18").bytes(), packet.begin() + 16);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes ipv6_packet(const Bytes& payload, std::uint8_t next = 112) {
  Bytes packet(40, 0);
  packet[0] = 0x60;
  packet[5] = static_cast<std::uint8_t>(payload.size());
  packet[6] = next;
  packet[7] = 255;
  std::ranges::copy(ip("fe80::1").bytes(), packet.begin() + 8);
  std::ranges::copy(ip("ff02::12").bytes(), packet.begin() + 24);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

TEST(Packet, AnIpv4PacketIsADatagramWithoutItsHeaderAndPadding) {
  for (const auto words : std::array<std::uint8_t, 3>{5, 6, 15}) {
    auto packet = ipv4_packet({1, 2, 3}, words);
    packet.resize(packet.size() + 20);  // Ethernet's padding
    const auto datagram = ipv4_datagram(packet);
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->source, ip("10.0.0.1"));
    EXPECT_EQ(datagram->destination, ip("224.0.0.18"));
    EXPECT_EQ(datagram->ttl, 255);
    EXPECT_THAT(datagram->payload, testing::ElementsAre(1, 2, 3));
  }
}

TEST(Packet, AnIpv6PacketIsADatagram) {
  const auto packet = ipv6_packet({1, 2, 3});
  const auto datagram = ipv6_datagram(packet);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->source, ip("fe80::1"));
  EXPECT_EQ(datagram->destination, ip("ff02::12"));
  EXPECT_THAT(datagram->payload, testing::ElementsAre(1, 2, 3));
  EXPECT_FALSE(ipv6_datagram(ipv6_packet({1, 2, 3}, 17)));
}

TEST(Packet, WhateverIsCutOffIsNothing) {
  const auto v4 = ipv4_packet({1, 2, 3}, 6);
  const auto v6 = ipv6_packet({1, 2, 3});
  for (std::size_t size = 0; size < v4.size(); ++size) {
    const Bytes cut{v4.begin(), v4.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_FALSE(ipv4_datagram(cut)) << size;
  }
  for (std::size_t size = 0; size < v6.size(); ++size) {
    const Bytes cut{v6.begin(), v6.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_FALSE(ipv6_datagram(cut)) << size;
  }
}

TEST(Packet, LengthsThatDoNotAgreeAndFragmentsAreNothing) {
  auto packet = ipv4_packet({1, 2, 3});
  packet[0] = 0x44;  // a header of 16 bytes
  EXPECT_FALSE(ipv4_datagram(packet));
  packet = ipv4_packet({1, 2, 3});
  packet[3] = 19;
  EXPECT_FALSE(ipv4_datagram(packet));
  packet = ipv4_packet({1, 2, 3});
  packet[6] = 0x20;  // more fragments
  EXPECT_FALSE(ipv4_datagram(packet));
  packet[6] = 0x40;  // do not fragment
  EXPECT_TRUE(ipv4_datagram(packet));
}

Bytes arp_reply(const IpAddress& address, const MacAddress& from) {
  auto packet = packet_of(gratuitous_arp(address, from, ArpForm::reply));
  return packet;
}

TEST(Packet, AnArpReplyNamesItsSender) {
  const auto reply = arp_reply(ip("10.0.0.100"), theirs);
  EXPECT_EQ(parse_arp_reply(reply), (NeighbourAnswer{ip("10.0.0.100"), theirs}));
  EXPECT_FALSE(parse_arp_reply(packet_of(gratuitous_arp(ip("10.0.0.100"), theirs, ArpForm::request))));
  for (std::size_t size = 0; size < reply.size(); ++size) {
    EXPECT_FALSE(parse_arp_reply(std::span{reply}.first(size))) << size;
  }
}

TEST(Packet, ANeighborAdvertisementNamesItsTarget) {
  const auto packet = packet_of(unsolicited_advertisement(ip("2001:db8::100"), theirs, false));
  EXPECT_EQ(parse_neighbour_advertisement(packet, ours), (NeighbourAnswer{ip("2001:db8::100"), theirs}));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const Bytes cut{packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_FALSE(parse_neighbour_advertisement(cut, ours)) << size;
  }
}

TEST(Packet, ANeighborAdvertisementWithoutItsOptionIsOfTheFramesSender) {
  auto packet = packet_of(unsolicited_advertisement(ip("2001:db8::100"), theirs, false));
  packet[5] = 24;
  EXPECT_EQ(parse_neighbour_advertisement(packet, ours), (NeighbourAnswer{ip("2001:db8::100"), ours}));
}

TEST(Packet, ANeighborAdvertisementFromAfarOrWithAnEmptyOptionIsNothing) {
  auto packet = packet_of(unsolicited_advertisement(ip("2001:db8::100"), theirs, false));
  packet[7] = 64;
  EXPECT_FALSE(parse_neighbour_advertisement(packet, ours));
  packet[7] = 255;
  packet[40 + 25] = 0;
  EXPECT_FALSE(parse_neighbour_advertisement(packet, ours));
  packet[40 + 25] = 9;
  EXPECT_FALSE(parse_neighbour_advertisement(packet, ours));
}

TEST(Packet, AProbeAsksForTheAddressInNobodysName) {
  const auto frame = arp_probe(ip("10.0.0.100"), ours);
  const Bytes expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                       1,    2,    0,    0,    0,    0,    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 100};
  EXPECT_THAT(frame, testing::ElementsAreArray(expected));
}

TEST(Packet, ASolicitationGoesToTheGroupOfTheAddress) {
  const auto frame = neighbour_solicitation(ip("2001:db8::12:3456"), ip("fe80::1"), ours);
  EXPECT_THAT((Bytes{frame.begin(), frame.begin() + 6}), testing::ElementsAre(0x33, 0x33, 0xff, 0x12, 0x34, 0x56));
  EXPECT_EQ(IpAddress::v6(std::span{frame}.subspan<38, 16>()), ip("ff02::1:ff12:3456"));
  EXPECT_EQ(frame[54], 135);
  EXPECT_EQ(IpAddress::v6(std::span{frame}.subspan<62, 16>()), ip("2001:db8::12:3456"));
  EXPECT_THAT((Bytes{frame.begin() + 78, frame.end()}), testing::ElementsAre(1, 1, 2, 0, 0, 0, 0, 1));
}

TEST(Packet, VirtualMacsTellTheirVrid) {
  EXPECT_EQ(virtual_mac(net::Family::ipv4, 51).to_string(), "00:00:5e:00:01:33");
  EXPECT_EQ(virtual_mac(net::Family::ipv6, 51).to_string(), "00:00:5e:00:02:33");
  EXPECT_EQ(vrid_of(mac("00:00:5e:00:02:33")), 51);
  EXPECT_FALSE(vrid_of(mac("00:00:5e:00:03:33")));
}

}  // namespace
}  // namespace ballast::vrrpd
