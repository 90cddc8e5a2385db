#pragma once
// Advertisements as bytes: RFC 9568 section 5 (version 3) and RFC 3768 section 5 (version 2).
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/enum_names.hpp"
#include "common/net/ip_address.hpp"
#include "daemons/vrrpd/protocol/authentication.hpp"
#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd {

/// What a version 3 checksum over IPv4 covers: RFC 9568 has the message alone, RFC 5798 the pseudo-header too. Version
/// 2 is always the former, IPv6 always the latter.
enum class ChecksumForm : std::uint8_t { message, pseudo_header };

/// Why an advertisement was refused: the receive checks of RFC 9568 and RFC 3768 section 7.1, and of the HMAC trailer.
enum class Refused : std::uint8_t {
  ttl,
  version,
  type,
  length,
  checksum,
  vrid,
  authentication,
  interval,
  address_count,
  source,
  hmac_missing,
  hmac_malformed,
  hmac_unknown_key,
  hmac_forged,
  hmac_stale,
  hmac_replayed,
};
constexpr std::size_t refused_count = 16;
constexpr auto enum_names(Refused*) {
  using enum Refused;
  using std::pair;
  using std::string_view;
  return std::array{pair{ttl, string_view{"ttl"}},
                    pair{version, string_view{"version"}},
                    pair{type, string_view{"type"}},
                    pair{length, string_view{"length"}},
                    pair{checksum, string_view{"checksum"}},
                    pair{vrid, string_view{"vrid"}},
                    pair{authentication, string_view{"authentication"}},
                    pair{interval, string_view{"interval"}},
                    pair{address_count, string_view{"address_count"}},
                    pair{source, string_view{"source"}},
                    pair{hmac_missing, string_view{"hmac_missing"}},
                    pair{hmac_malformed, string_view{"hmac_malformed"}},
                    pair{hmac_unknown_key, string_view{"hmac_unknown_key"}},
                    pair{hmac_forged, string_view{"hmac_forged"}},
                    pair{hmac_stale, string_view{"hmac_stale"}},
                    pair{hmac_replayed, string_view{"hmac_replayed"}}};
}

struct Refusal {
  Refused check;
  std::string message;  ///< in words: what was expected, what came
};
BOOST_NORETURN inline void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
  throw std::logic_error(refusal.message);
}

/// An advertisement about to be sent.
struct Advertisement {
  std::uint8_t version = 3;
  std::uint8_t vrid = 0;
  std::uint8_t priority = 0;
  Duration interval{};  ///< version 2: whole seconds; version 3: centiseconds, up to 40.95 s
  std::span<const net::IpAddress> addresses;
  std::string_view password{};                   ///< version 2: authentication type 1 (RFC 2338 section 5.3.6)
  const Authenticator* authenticator = nullptr;  ///< whose trailer it gets; null: none
  std::uint64_t sequence = 0;                    ///< of the trailer
};

/// Appends nothing: replaces `out` (whose memory is reused). Addresses of another family than `source` are left out;
/// the first link-local one is put first over IPv6 (RFC 9568 section 5.2.9).
void encode(const Advertisement& advertisement, const net::IpAddress& source, const net::IpAddress& destination,
            ChecksumForm form, std::vector<std::uint8_t>& out);

/// A datagram of protocol 112 as it came, without its IP header.
struct Datagram {
  net::IpAddress source;
  net::IpAddress destination;
  std::uint8_t ttl = 0;
  std::span<const std::uint8_t> payload;
};

/// What the receiving instance is configured to hear.
struct Expectation {
  std::uint8_t version = 3;
  std::uint8_t vrid = 0;
  Duration interval{};    ///< compared in version 2 only
  bool check_ttl = true;  ///< it must be 255; off for unicast peers, which may be more than a hop away
  std::string_view password{};
  Authenticator* authenticator = nullptr;  ///< null: a trailer is refused as a wrong length
  WallTime wall_time{};
  std::span<const config::UnicastPeer> peers{};  ///< whose TTL bounds hold
  bool check_source = false;                     ///< no others are heard
};

/// An advertisement that passed every check; `addresses` points into the datagram.
struct Decoded {
  std::uint8_t priority = 0;
  Duration interval{};
  ChecksumForm checksum = ChecksumForm::message;
  std::span<const std::uint8_t> addresses;  ///< 4 or 16 bytes each, in network order
  std::uint8_t address_count = 0;
  std::optional<std::chrono::seconds> skew;  ///< with a trailer: how far the sender's clock is ahead
};

/// The VRID a datagram is about, when it is long enough to have one: for finding the instance to ask.
std::optional<std::uint8_t> peek_vrid(std::span<const std::uint8_t> payload);

boost::system::result<Decoded, Refusal> decode(const Datagram& datagram, const Expectation& expected);

}  // namespace ballast::vrrpd
