#include "daemons/vrrpd/protocol/segment.hpp"

#include <gmock/gmock.h>

namespace ballast::vrrpd {
namespace {

using namespace std::chrono_literals;
using net::IpAddress;
using net::MacAddress;
using testing::IsEmpty;
using testing::SizeIs;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const IpAddress peer = ip("10.0.0.1");
const IpAddress group = ip("224.0.0.18");
const IpAddress vip = ip("10.0.0.100");
const MacAddress from = MacAddress::parse("02:00:00:00:00:01").value();
constexpr WallTime now = 1'800'000'000s;

config::VrrpInstance settings() {
  config::VrrpInstance instance;
  instance.name = "VI_1";
  instance.interface = "eth0";
  instance.virtual_router_id = 51;
  instance.version = 3;
  instance.virtual_addresses.push_back({net::Prefix{vip, 24}, "eth0", "", "", {}, {}});
  return instance;
}

struct Wire {
  std::vector<std::uint8_t> bytes;
  std::uint8_t ttl = 255;
  IpAddress destination = group;
  [[nodiscard]] Datagram datagram() const { return {peer, destination, ttl, bytes}; }
};

Wire advertisement(std::uint8_t vrid, const Authenticator* signer = nullptr, std::uint64_t sequence = 0) {
  Wire wire;
  const std::vector addresses{vip};
  encode({3, vrid, 150, 1s, addresses, "", signer, sequence}, peer, group, ChecksumForm::message, wire.bytes);
  return wire;
}

TEST(Segment, CountsWhatIsTheSame) {
  Segment segment;
  auto& ear = segment.listen(settings());
  for (int i = 0; i < 3; ++i) segment.on_wire(advertisement(51).datagram(), from, false, now);
  segment.received(advertisement(51).datagram());
  ASSERT_THAT(ear.heard(), SizeIs(1));
  const auto& heard = ear.heard().front();
  EXPECT_EQ(heard.source, peer);
  EXPECT_EQ(heard.mac, from);
  EXPECT_EQ(heard.count, 3U);
  EXPECT_EQ(heard.priority, 150);
  EXPECT_EQ(heard.interval, 1s);
  EXPECT_THAT(heard.addresses, testing::ElementsAre(vip));
  EXPECT_FALSE(heard.refused);
  EXPECT_EQ(heard.pseudo_header, false);
  ASSERT_THAT(ear.arrivals(), SizeIs(1));
  EXPECT_EQ(ear.arrivals().front().on_wire, 3U);
  EXPECT_EQ(ear.arrivals().front().received, 1U);
}

TEST(Segment, WhatGoesOutIsCountedApart) {
  Segment segment;
  auto& ear = segment.listen(settings());
  segment.on_wire(advertisement(51).datagram(), from, true, now);
  segment.on_wire(advertisement(52).datagram(), from, true, now);
  EXPECT_EQ(ear.seen_leaving(), 1U);
  EXPECT_THAT(ear.heard(), IsEmpty());
  EXPECT_THAT(segment.strangers_with({vip}), IsEmpty());
}

TEST(Segment, TheReceiveChecksAreTheInstances) {
  Segment segment;
  auto& ear = segment.listen(settings());
  auto wire = advertisement(51);
  wire.ttl = 64;
  segment.on_wire(wire.datagram(), from, false, now);
  ASSERT_THAT(ear.heard(), SizeIs(1));
  EXPECT_EQ(ear.heard().front().refused, Refused::ttl);
  EXPECT_THAT(ear.heard().front().refusal, testing::HasSubstr("TTL 64"));
}

TEST(Segment, ASequenceThatTheInstanceHasSeenIsNoRepetitionHere) {
  auto signing = settings();
  signing.auth_hmac =
      config::AuthHmac{{{1, {std::string(64, 'a')}}}, 1, config::AntiReplay::time, 5s, config::HmacMode::enforce};
  Authenticator sender{*signing.auth_hmac};
  Segment segment;
  auto& ear = segment.listen(signing);
  const auto wire = advertisement(51, &sender, sender.next_sequence(now));
  segment.on_wire(wire.datagram(), from, false, now);
  EXPECT_FALSE(ear.heard().front().refused);
  segment.on_wire(wire.datagram(), from, false, now);
  ASSERT_THAT(ear.heard(), SizeIs(2));
  EXPECT_EQ(ear.heard().back().refused, Refused::hmac_replayed);
}

TEST(Segment, MulticastToAUnicastInstanceIsNotJudgedFurther) {
  auto unicast = settings();
  unicast.unicast_peers.push_back({ip("10.0.0.2")});
  Segment segment;
  auto& ear = segment.listen(unicast);
  segment.on_wire(advertisement(51).datagram(), from, false, now);
  EXPECT_TRUE(ear.heard().front().multicast);
  EXPECT_FALSE(ear.heard().front().refused);
}

TEST(Segment, StrangersAreThoseWithAnAddressOfOurs) {
  Segment segment;
  segment.listen(settings());
  segment.on_wire(advertisement(52).datagram(), from, false, now);
  ASSERT_THAT(segment.strangers_with({vip}), SizeIs(1));
  EXPECT_EQ(segment.strangers_with({vip}).front().vrid, 52);
  EXPECT_THAT(segment.strangers_with({ip("10.0.0.101")}), IsEmpty());
}

TEST(Segment, OnlyAnswersToItsQuestionsAreKept) {
  Segment segment;
  segment.ask(vip);
  segment.answered({vip, from});
  segment.answered({vip, from});
  segment.answered({peer, from});
  EXPECT_THAT(segment.owners(vip), testing::ElementsAre(from));
  EXPECT_THAT(segment.owners(peer), IsEmpty());
}

TEST(Segment, AFloodOfForgedSendersFillsNoMemory) {
  Segment segment;
  auto& ear = segment.listen(settings());
  segment.ask(vip);
  for (std::uint8_t i = 0; i < 200; ++i) {
    for (const auto vrid : std::array<std::uint8_t, 2>{51, 52}) {
      auto wire = advertisement(vrid);
      auto datagram = wire.datagram();
      datagram.source = IpAddress::v4(std::array<std::uint8_t, 4>{10, 0, 1, i});
      segment.on_wire(datagram, from, false, now);
    }
    segment.answered({vip, MacAddress{{2, 0, 0, 0, 1, i}}});
  }
  EXPECT_LT(ear.heard().size(), 100U);
  EXPECT_LT(ear.arrivals().size(), 100U);
  EXPECT_LT(segment.strangers_with({vip}).size(), 100U);
  EXPECT_LT(segment.owners(vip).size(), 100U);
}

TEST(Overhear, WhateverIsCutOffHasNoAddresses) {
  const auto wire = advertisement(51);
  for (std::size_t size = 0; size < wire.bytes.size(); ++size) {
    auto datagram = wire.datagram();
    const std::vector<std::uint8_t> cut{wire.bytes.begin(), wire.bytes.begin() + static_cast<std::ptrdiff_t>(size)};
    datagram.payload = cut;
    const auto heard = overhear(datagram, from);
    EXPECT_EQ(heard.has_value(), size >= 8);
    if (heard) {
      EXPECT_THAT(heard->addresses, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace ballast::vrrpd
