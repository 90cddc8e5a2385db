// The HMAC trailer and version 2's password. The vectors are those of draft-cassen-vrrp-auth-hmac, appendix A.
#include <gmock/gmock.h>

#include "daemons/vrrpd/protocol/codec.hpp"

namespace ballast::vrrpd {
namespace {

using namespace std::chrono_literals;
using net::IpAddress;
using testing::HasSubstr;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

std::vector<std::uint8_t> bytes_of(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

const std::string draft_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string other_key(64, 'a');
constexpr std::uint64_t draft_sequence = 0x6800000080000000;
constexpr WallTime now = std::chrono::seconds{0x68000000};

config::AuthHmac settings(config::HmacMode mode = config::HmacMode::enforce,
                          config::AntiReplay anti_replay = config::AntiReplay::time) {
  return {{{1, {draft_key}}}, 1, anti_replay, 5s, mode};
}

struct Vector {
  IpAddress source, destination, vip;
  std::vector<std::uint8_t> bytes;
};
const Vector ipv4{ip("198.51.100.10"), ip("192.0.2.10"), ip("192.0.2.100"),
                  bytes_of("3133c80100644402c0000264"
                           "010100006800000080000000"
                           "1b84bc4e8e43892dc6d98448f8ee2265")};
const Vector ipv6{ip("fe80::10"), ip("fe80::20"), ip("fe80::100"), {}};

std::vector<std::uint8_t> encoded(const Vector& vector, const Authenticator& by, std::uint64_t sequence,
                                  std::uint8_t version = 3) {
  std::vector<std::uint8_t> out;
  encode({version, 51, 200, 1s, {&vector.vip, 1}, {}, &by, sequence}, vector.source, vector.destination,
         ChecksumForm::message, out);
  return out;
}

Expectation expecting(Authenticator* authenticator, WallTime time = now, std::uint8_t version = 3) {
  return {version, 51, 1s, false, {}, authenticator, time};
}

boost::system::result<Decoded, Refusal> received(const Vector& from, const std::vector<std::uint8_t>& bytes,
                                                 const Expectation& expected) {
  return decode({from.source, from.destination, 64, bytes}, expected);
}

void expect_refused(const boost::system::result<Decoded, Refusal>& outcome, Refused check) {
  ASSERT_FALSE(outcome) << "accepted";
  EXPECT_EQ(outcome.error().check, check) << outcome.error().message;
}

TEST(Hmac, SignsAsTheDraftsExample) { EXPECT_EQ(encoded(ipv4, Authenticator{settings()}, draft_sequence), ipv4.bytes); }

TEST(Hmac, SignsIpv6AsTheDraftsExampleWithTheTrailerInTheChecksum) {
  const auto message = encoded(ipv6, Authenticator{settings()}, draft_sequence);
  EXPECT_EQ(std::vector(message.begin(), message.begin() + 8), bytes_of("3133c8010064a2e9"));
}

TEST(Hmac, AcceptsTheDraftsExample) {
  Authenticator receiver{settings()};
  const auto decoded = received(ipv4, ipv4.bytes, expecting(&receiver));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->priority, 200);
  EXPECT_EQ(decoded->skew, 0s);
}

TEST(Hmac, EveryFlippedBitIsRefused) {
  for (const auto* vector : {&ipv4, &ipv6}) {
    for (const std::uint8_t version : {std::uint8_t{2}, std::uint8_t{3}}) {
      if (version == 2 && vector == &ipv6) continue;
      const auto good = encoded(*vector, Authenticator{settings()}, draft_sequence, version);
      for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        Authenticator receiver{settings()};
        EXPECT_FALSE(received(*vector, bad, expecting(&receiver, now, version))) << "bit " << bit;
      }
    }
  }
}

TEST(Hmac, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < ipv4.bytes.size(); ++size) {
    Authenticator receiver{settings()};
    EXPECT_FALSE(
        received(ipv4, {ipv4.bytes.begin(), ipv4.bytes.begin() + static_cast<long>(size)}, expecting(&receiver)))
        << size << " bytes";
  }
}

TEST(Hmac, AForgerWithoutTheKeyTakesNothing) {
  auto forger_settings = settings();
  forger_settings.keys.front().bytes.text = other_key;
  Authenticator receiver{settings()};
  const auto outcome =
      received(ipv4, encoded(ipv4, Authenticator{forger_settings}, draft_sequence), expecting(&receiver));
  expect_refused(outcome, Refused::hmac_forged);
  EXPECT_THAT(outcome.error().message, HasSubstr("198.51.100.10"));
}

TEST(Hmac, AMessageIsWorthNothingFromAnotherSourceOrForAnotherVrid) {
  Authenticator receiver{settings()};
  auto from_another = ipv4;
  from_another.source = ip("198.51.100.11");
  expect_refused(received(from_another, ipv4.bytes, expecting(&receiver)), Refused::hmac_forged);
  EXPECT_EQ(receiver.verify({3, 52, ipv4.source}, ipv4.bytes, now).fault, TrailerFault::forged);
  EXPECT_EQ(receiver.verify({2, 51, ipv4.source}, ipv4.bytes, now).fault, TrailerFault::forged);
}

TEST(Hmac, ACapturedAdvertisementCannotBeSentAgain) {
  Authenticator receiver{settings()};
  ASSERT_TRUE(received(ipv4, ipv4.bytes, expecting(&receiver)));
  expect_refused(received(ipv4, ipv4.bytes, expecting(&receiver, now + 1s)), Refused::hmac_replayed);
  expect_refused(received(ipv4, ipv4.bytes, expecting(&receiver, now + 6s)), Refused::hmac_stale);
  expect_refused(received(ipv4, ipv4.bytes, expecting(&receiver, now - 6s)), Refused::hmac_stale);
}

TEST(Hmac, SendersAreToldApart) {
  Authenticator receiver{settings()};
  Authenticator sender{settings()};
  auto second = ipv4;
  second.source = ip("198.51.100.11");
  EXPECT_TRUE(received(ipv4, encoded(ipv4, sender, draft_sequence + 5), expecting(&receiver)));
  EXPECT_TRUE(received(second, encoded(second, sender, draft_sequence + 1), expecting(&receiver)));
  expect_refused(received(ipv4, encoded(ipv4, sender, draft_sequence + 4), expecting(&receiver)),
                 Refused::hmac_replayed);
}

TEST(Hmac, MonotonicNeedsNoCommonClockButGrowth) {
  Authenticator receiver{settings(config::HmacMode::enforce, config::AntiReplay::monotonic)};
  const Authenticator sender{settings()};
  EXPECT_TRUE(received(ipv4, ipv4.bytes, expecting(&receiver, now + 24h)));
  EXPECT_TRUE(received(ipv4, encoded(ipv4, sender, draft_sequence + 1), expecting(&receiver, now - 24h)));
  expect_refused(received(ipv4, ipv4.bytes, expecting(&receiver)), Refused::hmac_replayed);
}

TEST(Hmac, ASequenceGrowsWhenTheClockStandsStillOrStepsBackALittle) {
  Authenticator sender{settings()};
  const auto first = sender.next_sequence(now);
  EXPECT_EQ(first, std::uint64_t{0x68000000} << 32);
  EXPECT_EQ(sender.next_sequence(now), first + 1);
  EXPECT_EQ(sender.next_sequence(now - 3s), first + 2);
  EXPECT_EQ(sender.next_sequence(now + 500ms), first + 0x80000000U);
}

TEST(Hmac, AClockSetBackBeyondTheWindowIsFollowedOrNobodyWouldListen) {
  Authenticator sender{settings()};
  (void)sender.next_sequence(now + 1h);
  EXPECT_EQ(sender.next_sequence(now), std::uint64_t{0x68000000} << 32);
  Authenticator monotonic{settings(config::HmacMode::enforce, config::AntiReplay::monotonic)};
  const auto high = monotonic.next_sequence(now + 1h);
  EXPECT_EQ(monotonic.next_sequence(now), high + 1);
}

TEST(Hmac, ASenderWhoseClockWasPutRightIsHeardAgain) {
  Authenticator receiver{settings()};
  Authenticator sender{settings()};
  ASSERT_TRUE(received(ipv4, encoded(ipv4, sender, sender.next_sequence(now + 4s)), expecting(&receiver, now)));
  const auto later = now + 15s;
  EXPECT_TRUE(received(ipv4, encoded(ipv4, Authenticator{settings()}, std::uint64_t{0x6800000e} << 32),
                       expecting(&receiver, later)));
}

TEST(Hmac, TheModesOfAMigration) {
  using enum config::HmacMode;
  std::vector<std::uint8_t> plain;
  encode({3, 51, 200, 1s, {&ipv4.vip, 1}}, ipv4.source, ipv4.destination, ChecksumForm::message, plain);
  for (const auto mode : {receive_only, permissive, enforce}) {
    Authenticator receiver{settings(mode)};
    EXPECT_TRUE(received(ipv4, ipv4.bytes, expecting(&receiver))) << "signed";
    EXPECT_EQ(received(ipv4, plain, expecting(&receiver)).has_value(), mode != enforce) << "unsigned";
    EXPECT_EQ(receiver.signs(), mode != receive_only);
  }
  Authenticator receiver{settings()};
  expect_refused(received(ipv4, plain, expecting(&receiver)), Refused::hmac_missing);
  expect_refused(received(ipv4, ipv4.bytes, expecting(nullptr)), Refused::length);
}

TEST(Hmac, AForgedTrailerIsRefusedInTheModesOfAMigrationToo) {
  Authenticator receiver{settings(config::HmacMode::permissive)};
  auto forged = ipv4.bytes;
  forged.back() = static_cast<std::uint8_t>(forged.back() ^ 1U);
  expect_refused(received(ipv4, forged, expecting(&receiver)), Refused::hmac_forged);
}

TEST(Hmac, KeysAreRotatedWithoutAGap) {
  auto both = settings();
  both.keys.push_back({2, {other_key}});
  Authenticator receiver{both};
  EXPECT_TRUE(received(ipv4, ipv4.bytes, expecting(&receiver)));
  both.active_key = 2;
  const Authenticator rotated{both};
  EXPECT_TRUE(received(ipv4, encoded(ipv4, rotated, draft_sequence + 1), expecting(&receiver)));
  receiver.reconfigure(settings());
  expect_refused(received(ipv4, encoded(ipv4, rotated, draft_sequence + 2), expecting(&receiver)),
                 Refused::hmac_unknown_key);
  expect_refused(received(ipv4, ipv4.bytes, expecting(&receiver)), Refused::hmac_replayed);
}

struct PasswordCase {
  std::string_view theirs, ours;
  bool accepted;
};

TEST(Password, IsComparedInWholeAndCutAtEightBytes) {
  const IpAddress vip = ip("10.1.0.100");
  for (const auto& [theirs, ours, accepted] :
       {PasswordCase{"secret", "secret", true}, PasswordCase{"12345678", "123456789", true},
        PasswordCase{"secret", "secreT", false}, PasswordCase{"secret", "secrets", false},
        PasswordCase{"", "secret", false}, PasswordCase{"secret", "", false}}) {
    std::vector<std::uint8_t> message;
    encode({2, 51, 100, 1s, {&vip, 1}, theirs}, ip("10.1.0.1"), ip("224.0.0.18"), ChecksumForm::message, message);
    const auto decoded = decode({ip("10.1.0.1"), ip("224.0.0.18"), 255, message}, {2, 51, 1s, true, ours});
    EXPECT_EQ(decoded.has_value(), accepted) << theirs << " / " << ours;
    if (!decoded) {
      EXPECT_EQ(decoded.error().check, Refused::authentication);
      EXPECT_THAT(decoded.error().message, testing::Not(HasSubstr("secre")));
    }
  }
}

}  // namespace
}  // namespace ballast::vrrpd
