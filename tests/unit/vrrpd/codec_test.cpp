#include "daemons/vrrpd/protocol/codec.hpp"

#include <gmock/gmock.h>

#include "common/net/checksum.hpp"

namespace ballast::vrrpd {
namespace {

using namespace std::chrono_literals;
using net::IpAddress;
using testing::ElementsAreArray;
using testing::HasSubstr;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const IpAddress source4 = ip("10.1.0.1");
const IpAddress group4 = ip("224.0.0.18");
const IpAddress source6 = ip("fe80::1");
const IpAddress group6 = ip("ff02::12");

struct Case {
  std::uint8_t version;
  net::Family family;
  Duration interval;
  std::vector<IpAddress> addresses;
};

const std::vector<Case> cases{
    {2, net::Family::ipv4, 1s, {ip("10.1.0.100")}},
    {2, net::Family::ipv4, 255s, {ip("10.1.0.100"), ip("10.1.0.101")}},
    {3, net::Family::ipv4, 10ms, {ip("10.1.0.100")}},
    {3, net::Family::ipv4, 40950ms, {ip("10.1.0.100"), ip("10.1.0.101"), ip("10.1.0.102")}},
    {3, net::Family::ipv6, 1s, {ip("fe80::100"), ip("2001:db8::100")}},
};

struct Message {
  IpAddress source, destination;
  std::vector<std::uint8_t> bytes;
  [[nodiscard]] Datagram datagram() const { return {source, destination, 255, bytes}; }
};

Message message_of(const Case& c, ChecksumForm form = ChecksumForm::pseudo_header) {
  const bool v4 = c.family == net::Family::ipv4;
  Message message{v4 ? source4 : source6, v4 ? group4 : group6, {}};
  encode({c.version, 51, 100, c.interval, c.addresses}, message.source, message.destination, form, message.bytes);
  return message;
}

Expectation expectation(const Case& c) { return {c.version, 51, c.interval, true}; }

/// Makes the checksum right again after a test has changed a byte.
void seal(Message& message) {
  message.bytes[6] = message.bytes[7] = 0;
  const bool pseudo = message.bytes[0] >> 4 == 3;
  const auto base = pseudo ? net::pseudo_header_sum(message.source, message.destination, vrrp_protocol,
                                                    static_cast<std::uint32_t>(message.bytes.size()))
                           : 0;
  const auto sum = net::checksum_finish(net::checksum_add(message.bytes, base));
  message.bytes[6] = static_cast<std::uint8_t>(sum >> 8);
  message.bytes[7] = static_cast<std::uint8_t>(sum & 0xff);
}

Refused refused(const Datagram& datagram, const Expectation& expected) {
  const auto decoded = decode(datagram, expected);
  EXPECT_FALSE(decoded) << "accepted";
  EXPECT_FALSE(decoded.error().message.empty());
  return decoded.error().check;
}

TEST(Codec, WhatIsEncodedIsDecoded) {
  for (const auto& c : cases) {
    const auto message = message_of(c);
    const auto decoded = decode(message.datagram(), expectation(c));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->priority, 100);
    EXPECT_EQ(decoded->interval, c.interval);
    EXPECT_EQ(decoded->address_count, c.addresses.size());
    std::vector<std::uint8_t> expected;
    for (const auto& address : c.addresses) {
      expected.insert(expected.end(), address.bytes().begin(), address.bytes().end());
    }
    EXPECT_THAT(decoded->addresses, ElementsAreArray(expected));
  }
}

TEST(Codec, AMessageAsKeepalivedSendsItIsUnderstoodAndMadeTheSame) {
  const std::vector<std::uint8_t> captured{0x31, 0x33, 0xc8, 0x01, 0x00, 0x32, 0x11, 0xa3, 0x0a, 0x01, 0x00, 0x64};
  const auto decoded = decode({source4, group4, 255, captured}, {3, 51, 500ms, true});
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->priority, 200);
  EXPECT_EQ(decoded->interval, 500ms);
  EXPECT_EQ(decoded->checksum, ChecksumForm::pseudo_header);

  std::vector<std::uint8_t> ours;
  const std::vector<IpAddress> addresses{ip("10.1.0.100")};
  encode({3, 51, 200, 500ms, addresses}, source4, group4, ChecksumForm::pseudo_header, ours);
  EXPECT_THAT(ours, ElementsAreArray(captured));
}

TEST(Codec, TheMessageAloneIsTheOtherChecksumOfVersion3OverIpv4) {
  std::vector<std::uint8_t> message;
  const std::vector<IpAddress> addresses{ip("10.1.0.100")};
  encode({3, 51, 200, 500ms, addresses}, source4, group4, ChecksumForm::message, message);
  EXPECT_EQ(message[6], 0xfc);
  EXPECT_EQ(message[7], 0x33);
  const auto decoded = decode({source4, group4, 255, message}, {3, 51, 500ms, true});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->checksum, ChecksumForm::message);
}

TEST(Codec, EveryTruncationIsRefusedByItsLength) {
  for (const auto& c : cases) {
    const auto whole = message_of(c);
    for (std::size_t length = 0; length < whole.bytes.size(); ++length) {
      // A buffer of exactly this size: reading beyond it is seen by the sanitizers.
      const std::vector<std::uint8_t> cut{whole.bytes.begin(),
                                          whole.bytes.begin() + static_cast<std::ptrdiff_t>(length)};
      EXPECT_EQ(refused({whole.source, whole.destination, 255, cut}, expectation(c)), Refused::length) << length;
    }
  }
}

TEST(Codec, BytesAfterTheEndAreRefused) {
  for (const auto& c : cases) {
    auto message = message_of(c);
    message.bytes.push_back(0);
    EXPECT_EQ(refused(message.datagram(), expectation(c)), Refused::length);
  }
}

TEST(Codec, EveryFlippedBitIsNoticed) {
  for (const auto& c : cases) {
    const auto whole = message_of(c);
    for (std::size_t bit = 0; bit < whole.bytes.size() * 8; ++bit) {
      auto message = whole;
      message.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(decode(message.datagram(), expectation(c))) << "bit " << bit;
    }
  }
}

TEST(Codec, ATtlBelow255IsRefusedUnlessThePeersAreUnicast) {
  const auto message = message_of(cases[2]);
  auto datagram = message.datagram();
  datagram.ttl = 254;
  auto expected = expectation(cases[2]);
  EXPECT_EQ(refused(datagram, expected), Refused::ttl);
  expected.check_ttl = false;
  EXPECT_TRUE(decode(datagram, expected));
}

TEST(Codec, EachReceiveCheckHasItsName) {
  const auto& v2 = cases[0];
  const auto& v3 = cases[2];
  const auto altered = [](const Case& c, std::size_t at, std::uint8_t value) {
    auto message = message_of(c);
    message.bytes[at] = value;
    seal(message);
    return message;
  };
  EXPECT_EQ(refused(message_of(v3).datagram(), expectation(v2)), Refused::version);
  EXPECT_EQ(refused(message_of(v2).datagram(), expectation(v3)), Refused::version);
  EXPECT_EQ(refused(altered(v3, 0, 0x32).datagram(), expectation(v3)), Refused::type);
  EXPECT_EQ(refused(altered(v3, 1, 52).datagram(), expectation(v3)), Refused::vrid);
  EXPECT_EQ(refused(altered(v3, 5, 0).datagram(), expectation(v3)), Refused::interval);
  EXPECT_EQ(refused(altered(v2, 4, 1).datagram(), expectation(v2)), Refused::authentication);
  EXPECT_EQ(refused(altered(v2, 5, 2).datagram(), expectation(v2)), Refused::interval);
  auto wrong = message_of(v3);
  wrong.bytes[6] ^= 0x55;
  EXPECT_EQ(refused(wrong.datagram(), expectation(v3)), Refused::checksum);
  auto empty = v3;
  empty.addresses.clear();
  EXPECT_EQ(refused(message_of(empty).datagram(), expectation(v3)), Refused::address_count);
}

TEST(Codec, Version2DoesNotExistOverIpv6) {
  auto message = message_of(cases[4]);
  message.bytes[0] = 0x21;
  EXPECT_EQ(refused(message.datagram(), {2, 51, 1s, true}), Refused::version);
}

TEST(Codec, Version3AcceptsAnotherIntervalThanOurs) {
  const auto decoded = decode(message_of(cases[2]).datagram(), {3, 51, 1s, true});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->interval, 10ms);
}

TEST(Codec, AWrongIntervalIsToldInWords) {
  const auto decoded = decode(message_of(cases[0]).datagram(), {2, 51, 3s, true});
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, HasSubstr("10.1.0.1 advertises every 1.00 s, expected every 3.00 s"));
}

TEST(Codec, OverIpv6TheLinkLocalAddressComesFirst) {
  const Case c{3, net::Family::ipv6, 1s, {ip("2001:db8::100"), ip("fe80::100"), ip("10.1.0.100")}};
  const auto message = message_of(c);
  const auto decoded = decode(message.datagram(), expectation(c));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->address_count, 2) << "the IPv4 address belongs in no IPv6 advertisement";
  EXPECT_EQ(decoded->addresses[0], 0xfe);
}

TEST(Codec, TheVridIsSeenOnlyInAWholeHeader) {
  const auto message = message_of(cases[0]);
  EXPECT_EQ(peek_vrid(message.bytes), 51);
  EXPECT_FALSE(peek_vrid(std::span{message.bytes}.first(7)));
}

TEST(Timing, AsTheRfcsHaveIt) {
  EXPECT_EQ(skew_time(2, 100, 1s), 609375us);
  EXPECT_EQ(skew_time(2, 100, 5s), 609375us) << "version 2: of a second, not of the interval";
  EXPECT_EQ(skew_time(3, 100, 100ms), 60937500ns);
  EXPECT_EQ(master_down_interval(3, 100, 1s), 3609375us);
  EXPECT_EQ(master_down_interval(2, 254, 1s), 3s + 7812500ns);
}

}  // namespace
}  // namespace ballast::vrrpd
