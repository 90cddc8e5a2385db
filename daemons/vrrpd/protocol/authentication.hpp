#pragma once
// The HMAC-SHA256 trailer of draft-cassen-vrrp-auth-hmac: who holds a key sent this, of late and once.
//
// 28 bytes after the message: type, key id, two zero bytes, a 64-bit sequence (UTC seconds, a binary fraction of 16
// bits, a counter), the first 16 bytes of the HMAC.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/config/model_authentication.hpp"
#include "common/enum_names.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::vrrpd {

/// UTC since 1970: the sequence of a trailer is made of it, and compared with it.
using WallTime = std::chrono::nanoseconds;

constexpr std::size_t trailer_length = 28;

/// What the HMAC ties a message to besides its bytes.
struct Origin {
  std::uint8_t version = 3;
  std::uint8_t vrid = 0;
  net::IpAddress source;
};

enum class TrailerFault : std::uint8_t { malformed, unknown_key, forged, stale, replayed };

struct TrailerVerdict {
  std::optional<TrailerFault> fault;  ///< none: it is right
  std::string message;                ///< the fault in words
  std::chrono::seconds skew{};        ///< how far the sender's clock is ahead of ours
};

/// One instance's keys, its own sequence, and the highest sequence of each sender.
class Authenticator {
 public:
  explicit Authenticator(const config::AuthHmac& settings);

  /// New keys or another mode; the sequences stay.
  void reconfigure(const config::AuthHmac& settings);
  [[nodiscard]] bool signs() const { return settings_.mode != config::HmacMode::receive_only; }
  /// Advertisements without a trailer are refused.
  [[nodiscard]] bool insists() const { return settings_.mode == config::HmacMode::enforce; }
  [[nodiscard]] std::chrono::seconds window() const;

  /// The sequence of the next advertisement; its copies to several peers share one. Never goes back, but for a clock
  /// that was set back further than the window (anti_replay time).
  std::uint64_t next_sequence(WallTime now);
  /// Appends the trailer to a message whose checksum field is zero.
  void sign(const Origin& origin, std::uint64_t sequence, std::vector<std::uint8_t>& message) const;
  /// Looks at a message with its trailer, and remembers the sequence if all is right.
  TrailerVerdict verify(const Origin& origin, std::span<const std::uint8_t> message_and_trailer, WallTime now);

 private:
  struct Key {
    std::uint8_t id;
    std::vector<std::uint8_t> bytes;
  };
  struct Sender {
    net::IpAddress address;
    std::uint64_t sequence = 0;
    std::uint64_t used = 0;  ///< when, in verified advertisements
  };
  static constexpr std::size_t most_senders = 16;

  [[nodiscard]] const Key* find(std::uint8_t id) const;
  [[nodiscard]] bool is_fresh(std::uint64_t sequence, WallTime now) const;
  bool grows(const net::IpAddress& source, std::uint64_t sequence, WallTime now);

  config::AuthHmac settings_;
  std::vector<Key> keys_;
  std::uint64_t sent_ = 0;
  std::vector<Sender> senders_;
  std::uint64_t verified_ = 0;
};

}  // namespace ballast::vrrpd
