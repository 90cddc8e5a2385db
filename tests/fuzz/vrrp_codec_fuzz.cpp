// Any datagram is refused in words or decoded; what was decoded is encoded to the same.
#include <algorithm>

#include "common/net/checksum.hpp"
#include "daemons/vrrpd/protocol/codec.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ballast;
using namespace ballast::vrrpd;

/// The first byte of an input says what it is.
constexpr std::uint8_t version_3 = 1;
constexpr std::uint8_t over_ipv6 = 2;
constexpr std::uint8_t check_ttl = 4;
constexpr std::uint8_t mend_checksum = 8;  ///< else hardly any input would pass
constexpr std::uint8_t with_pseudo_header = 16;
constexpr std::uint8_t with_password = 32;
constexpr std::uint8_t with_hmac = 64;
constexpr std::uint8_t hmac_enforced = 128;

constexpr WallTime now = std::chrono::seconds{1'800'000'000};

config::AuthHmac keys(std::uint8_t flags) {
  const bool enforced = (flags & hmac_enforced) != 0;
  return {{{1, {std::string(64, 'a')}}},
          1,
          config::AntiReplay::time,
          std::chrono::seconds{5},
          enforced ? config::HmacMode::enforce : config::HmacMode::permissive};
}

struct Input {
  Datagram datagram;
  Expectation expected;
  std::vector<std::uint8_t> payload;
  std::uint8_t flags = 0;
};

/// A receiver that has heard nothing yet.
boost::system::result<Decoded, Refusal> decode_afresh(const Input& input, const Datagram& datagram) {
  Authenticator receiver{keys(input.flags)};
  auto expected = input.expected;
  if ((input.flags & with_hmac) != 0) expected.authenticator = &receiver;
  return decode(datagram, expected);
}

Input prepare(std::span<const std::uint8_t> bytes) {
  const auto flags = bytes[0];
  Input input;
  input.flags = flags;
  input.payload.assign(bytes.begin() + 3, bytes.end());
  const bool v6 = (flags & over_ipv6) != 0;
  input.datagram.source = net::IpAddress::parse(v6 ? "fe80::1" : "10.0.0.1").value();
  input.datagram.destination = net::IpAddress::parse(v6 ? "ff02::12" : "224.0.0.18").value();
  input.datagram.ttl = bytes[1];
  input.expected.version = (flags & version_3) != 0 ? 3 : 2;
  input.expected.vrid = bytes[2];
  input.expected.interval = std::chrono::seconds{1};
  input.expected.wall_time = now;
  if ((flags & with_password) != 0) input.expected.password = "secret";
  input.expected.check_ttl = (flags & check_ttl) != 0;
  if ((flags & mend_checksum) != 0 && input.payload.size() >= 8) {
    const bool pseudo = v6 || (flags & with_pseudo_header) != 0;
    input.payload[6] = input.payload[7] = 0;
    const auto start = pseudo ? net::pseudo_header_sum(input.datagram.source, input.datagram.destination, vrrp_protocol,
                                                       static_cast<std::uint32_t>(input.payload.size()))
                              : 0;
    const auto sum = net::checksum_finish(net::checksum_add(input.payload, start));
    input.payload[6] = static_cast<std::uint8_t>(sum >> 8);
    input.payload[7] = static_cast<std::uint8_t>(sum & 0xff);
  }
  return input;
}

std::vector<net::IpAddress> addresses_of(const Decoded& decoded, std::size_t length) {
  std::vector<net::IpAddress> all;
  for (std::size_t at = 0; at < decoded.addresses.size(); at += length) {
    all.push_back(net::IpAddress::from_bytes(decoded.addresses.subspan(at, length)).value());
  }
  return all;
}

std::vector<std::uint8_t> encoded(const Input& input, const Decoded& decoded,
                                  const std::vector<net::IpAddress>& addresses) {
  std::vector<std::uint8_t> out;
  Authenticator sender{keys(input.flags)};
  const auto* signer = (input.flags & with_hmac) != 0 ? &sender : nullptr;
  encode({input.expected.version, input.expected.vrid, decoded.priority, decoded.interval, addresses,
          input.expected.password, signer, sender.next_sequence(now)},
         input.datagram.source, input.datagram.destination, decoded.checksum, out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  auto input = prepare({data, size});
  input.datagram.payload = input.payload;
  const auto decoded = decode_afresh(input, input.datagram);
  if (!decoded) {
    require(!decoded.error().message.empty(), "a refusal has words");
    return 0;
  }
  const std::size_t length = input.datagram.source.is_v4() ? 4 : 16;
  require(decoded->addresses.size() == decoded->address_count * length, "addresses are whole");
  auto addresses = addresses_of(*decoded, length);
  const auto foreign = [&](const net::IpAddress& address) {
    return address.family() != input.datagram.source.family();
  };
  std::erase_if(addresses, foreign);  // IPv4-mapped ones over IPv6: no address of the message's family
  if (addresses.empty()) return 0;

  const auto out = encoded(input, *decoded, addresses);
  auto sent = input.datagram;
  sent.payload = out;
  const auto again = decode_afresh(input, sent);
  require(again.has_value(), "what was encoded decodes");
  require(again->priority == decoded->priority && again->interval == decoded->interval, "the fields are the same");
  auto kept = addresses_of(*again, length);
  require(encoded(input, *again, kept) == out, "encoding is stable");
  std::ranges::sort(kept);
  std::ranges::sort(addresses);
  require(kept == addresses, "the addresses are the same");
  return 0;
}
