#include "daemons/vrrpd/protocol/codec.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "common/net/checksum.hpp"

namespace ballast::vrrpd {
namespace {

constexpr std::size_t header_length = 8;
constexpr std::size_t v2_authentication_length = 8;  // RFC 2338 section 5.3.10; RFC 3768: zero on sending, ignored
constexpr std::uint8_t type_advertisement = 1;
constexpr std::uint8_t v2_no_authentication = 0;
constexpr std::uint8_t v2_simple_password = 1;
constexpr Duration centisecond = std::chrono::milliseconds{10};
constexpr std::size_t checksum_offset = 6;

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void write16(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

std::uint16_t checksum_of(std::span<const std::uint8_t> message, const net::IpAddress& source,
                          const net::IpAddress& destination, ChecksumForm form) {
  std::uint32_t sum = 0;
  if (form == ChecksumForm::pseudo_header) {
    sum = net::pseudo_header_sum(source, destination, vrrp_protocol, static_cast<std::uint32_t>(message.size()));
  }
  return net::checksum_finish(net::checksum_add(message, sum));
}

void append_addresses(const Advertisement& advertisement, net::Family family, std::vector<std::uint8_t>& out) {
  const auto first = std::ranges::find_if(advertisement.addresses, [&](const net::IpAddress& address) {
    return family == net::Family::ipv6 && address.is_v6() && address.is_link_local();
  });
  std::uint8_t count = 0;
  const auto append = [&](const net::IpAddress& address) {
    if (address.family() != family || count == 255) return;
    const auto bytes = address.bytes();
    out.insert(out.end(), bytes.begin(), bytes.end());
    ++count;
  };
  if (first != advertisement.addresses.end()) append(*first);
  for (auto it = advertisement.addresses.begin(); it != advertisement.addresses.end(); ++it) {
    if (it != first) append(*it);
  }
  out[3] = count;
}

Refusal refuse(Refused check, std::string message) { return {check, std::move(message)}; }

std::optional<Refusal> check_interval(const Datagram& datagram, const Expectation& expected, Duration interval) {
  if (interval == Duration{}) {
    return refuse(Refused::interval, fmt::format("{} advertises an interval of 0", datagram.source));
  }
  if (expected.version == 2 && interval != expected.interval) {
    return refuse(Refused::interval,
                  fmt::format("{} advertises every {}, expected every {}: version 2 wants the same on "
                              "all routers",
                              datagram.source, describe(interval), describe(expected.interval)));
  }
  return std::nullopt;
}

/// What the checksum covers: over IPv6 the trailer, too, as the kernel computes it there.
std::span<const std::uint8_t> checksummed(std::span<const std::uint8_t> payload, bool v4, bool has_trailer) {
  return v4 && has_trailer ? payload.first(payload.size() - trailer_length) : payload;
}

std::optional<ChecksumForm> match_checksum(const Datagram& datagram, std::uint8_t version, bool has_trailer) {
  const bool v4 = datagram.source.is_v4();
  const auto covered = checksummed(datagram.payload, v4, has_trailer);
  const auto matches = [&](ChecksumForm form) {
    return checksum_of(covered, datagram.source, datagram.destination, form) == 0;
  };
  if (v4 && matches(ChecksumForm::message)) return ChecksumForm::message;
  if (version == 3 && matches(ChecksumForm::pseudo_header)) return ChecksumForm::pseudo_header;
  return std::nullopt;
}

std::optional<Refusal> check_peer(const Datagram& datagram, const Expectation& expected) {
  const auto peer = std::ranges::find(expected.peers, datagram.source, &config::UnicastPeer::address);
  if (peer == expected.peers.end()) {
    if (!expected.check_source) return std::nullopt;
    return refuse(Refused::source, fmt::format("{} is no unicast_peer", datagram.source));
  }
  if (datagram.ttl >= peer->min_ttl && datagram.ttl <= peer->max_ttl) return std::nullopt;
  return refuse(Refused::ttl, fmt::format("from {} with TTL {}, expected {} to {}: it came another way or is forged",
                                          datagram.source, datagram.ttl, peer->min_ttl, peer->max_ttl));
}

std::optional<Refusal> check_frame(const Datagram& datagram, const Expectation& expected) {
  const auto& payload = datagram.payload;
  if (expected.check_ttl && datagram.ttl != vrrp_ttl) {
    return refuse(Refused::ttl, fmt::format("from {} with TTL {}, expected 255: it came through a router or is forged",
                                            datagram.source, datagram.ttl));
  }
  if (auto refusal = check_peer(datagram, expected)) return refusal;
  if (payload.size() < header_length) {
    return refuse(Refused::length, fmt::format("{} bytes from {}, expected at least {}", payload.size(),
                                               datagram.source, header_length));
  }
  const auto version = static_cast<std::uint8_t>(payload[0] >> 4);
  if (version != expected.version || (version == 2 && datagram.source.is_v6())) {
    return refuse(Refused::version,
                  fmt::format("version {} from {}, expected {}", version, datagram.source, expected.version));
  }
  const auto type = static_cast<std::uint8_t>(payload[0] & 0xf);
  if (type != type_advertisement) {
    return refuse(Refused::type, fmt::format("type {} from {}, expected 1 (ADVERTISEMENT)", type, datagram.source));
  }
  return std::nullopt;
}

std::size_t message_length(std::size_t addresses_length, std::uint8_t version) {
  return header_length + addresses_length + (version == 2 ? v2_authentication_length : 0);
}

std::optional<Refusal> check_length(const Datagram& datagram, std::size_t expected, bool may_have_trailer) {
  const std::size_t size = datagram.payload.size();
  if (size == expected || (may_have_trailer && size == expected + trailer_length)) return std::nullopt;
  const bool has_trailer = size == expected + trailer_length;
  return refuse(Refused::length,
                fmt::format("{} bytes from {}, expected {} for {} addresses{}", size, datagram.source, expected,
                            datagram.payload[3], has_trailer ? ": it is signed, and auth_hmac is not set here" : ""));
}

std::array<std::uint8_t, v2_authentication_length> padded(std::string_view password) {
  std::array<std::uint8_t, v2_authentication_length> bytes{};
  std::copy_n(password.begin(), std::min(password.size(), bytes.size()), bytes.begin());
  return bytes;
}

/// RFC 2338 section 7.1: type and, for a simple password, the data must be ours.
std::optional<Refusal> check_password(const Datagram& datagram, std::size_t data, std::string_view password) {
  const auto type = datagram.payload[4];
  const auto expected = password.empty() ? v2_no_authentication : v2_simple_password;
  if (type != expected) {
    return refuse(Refused::authentication,
                  fmt::format("authentication type {} from {}, expected {}", type, datagram.source,
                              password.empty() ? "none (0)" : "a password (1)"));
  }
  if (password.empty()) return std::nullopt;
  const auto wanted = padded(password);
  if (CRYPTO_memcmp(datagram.payload.data() + data, wanted.data(), wanted.size()) == 0) return std::nullopt;
  return refuse(Refused::authentication, fmt::format("the password from {} is not ours", datagram.source));
}

Refused check_of(TrailerFault fault) {
  switch (fault) {
    case TrailerFault::malformed:
      return Refused::hmac_malformed;
    case TrailerFault::unknown_key:
      return Refused::hmac_unknown_key;
    case TrailerFault::forged:
      return Refused::hmac_forged;
    case TrailerFault::stale:
      return Refused::hmac_stale;
    default:
      return Refused::hmac_replayed;
  }
}

std::optional<Refusal> check_trailer(const Datagram& datagram, const Expectation& expected, bool has_trailer,
                                     Decoded& decoded) {
  if (expected.authenticator == nullptr) return std::nullopt;
  if (!has_trailer) {
    if (!expected.authenticator->insists()) return std::nullopt;
    return refuse(Refused::hmac_missing,
                  fmt::format("{} does not sign: forged, or it has no auth_hmac", datagram.source));
  }
  auto verdict = expected.authenticator->verify({expected.version, expected.vrid, datagram.source}, datagram.payload,
                                                expected.wall_time);
  decoded.skew = verdict.skew;
  if (!verdict.fault) return std::nullopt;
  return refuse(check_of(*verdict.fault), std::move(verdict.message));
}

}  // namespace

void encode(const Advertisement& advertisement, const net::IpAddress& source, const net::IpAddress& destination,
            ChecksumForm form, std::vector<std::uint8_t>& out) {
  out.assign(header_length, 0);
  out[0] = static_cast<std::uint8_t>(advertisement.version << 4 | type_advertisement);
  out[1] = advertisement.vrid;
  out[2] = advertisement.priority;
  if (advertisement.version == 2) {
    out[4] = advertisement.password.empty() ? v2_no_authentication : v2_simple_password;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(advertisement.interval).count();
    out[5] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(seconds, 1, 255));
  } else {
    write16(out, 4,
            static_cast<std::uint16_t>(std::clamp<std::int64_t>(advertisement.interval / centisecond, 1, 4095)));
  }
  append_addresses(advertisement, source.family(), out);
  if (advertisement.version == 2) {
    const auto data = padded(advertisement.password);
    out.insert(out.end(), data.begin(), data.end());
  }
  const bool has_trailer = advertisement.authenticator != nullptr;
  if (has_trailer) {
    advertisement.authenticator->sign({advertisement.version, advertisement.vrid, source}, advertisement.sequence, out);
  }
  if (advertisement.version == 2) form = ChecksumForm::message;
  if (source.is_v6()) form = ChecksumForm::pseudo_header;
  write16(out, checksum_offset, checksum_of(checksummed(out, source.is_v4(), has_trailer), source, destination, form));
}

std::optional<std::uint8_t> peek_vrid(std::span<const std::uint8_t> payload) {
  if (payload.size() < header_length) return std::nullopt;
  return payload[1];
}

boost::system::result<Decoded, Refusal> decode(const Datagram& datagram, const Expectation& expected) {
  if (auto refusal = check_frame(datagram, expected)) return std::move(*refusal);
  const auto& payload = datagram.payload;
  const std::size_t address_length = datagram.source.is_v4() ? 4 : 16;
  Decoded decoded;
  decoded.address_count = payload[3];
  decoded.priority = payload[2];
  const std::size_t addresses_length = decoded.address_count * address_length;
  const std::size_t length = message_length(addresses_length, expected.version);
  if (auto refusal = check_length(datagram, length, expected.authenticator != nullptr)) return std::move(*refusal);
  const bool has_trailer = payload.size() > length;
  const auto form = match_checksum(datagram, expected.version, has_trailer);
  if (!form) {
    return refuse(Refused::checksum,
                  fmt::format("checksum {:04x} from {} is wrong", read16(payload, checksum_offset), datagram.source));
  }
  decoded.checksum = *form;
  if (payload[1] != expected.vrid) {
    return refuse(Refused::vrid,
                  fmt::format("VRID {} from {}, expected {}", payload[1], datagram.source, expected.vrid));
  }
  if (expected.version == 2) {
    if (auto refusal = check_password(datagram, header_length + addresses_length, expected.password))
      return std::move(*refusal);
  }
  if (auto refusal = check_trailer(datagram, expected, has_trailer, decoded)) return std::move(*refusal);
  decoded.interval =
      expected.version == 2 ? Duration{std::chrono::seconds{payload[5]}} : (read16(payload, 4) & 0xfff) * centisecond;
  if (auto refusal = check_interval(datagram, expected, decoded.interval)) return std::move(*refusal);
  if (decoded.address_count == 0) {
    return refuse(Refused::address_count, fmt::format("{} advertises no address", datagram.source));
  }
  decoded.addresses = payload.subspan(header_length, addresses_length);
  return decoded;
}

}  // namespace ballast::vrrpd
