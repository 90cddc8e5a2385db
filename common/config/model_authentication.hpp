#pragma once
// How the routers of one VRID know each other: of the model, which includes this.
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast::config {

enum class HmacMode : std::uint8_t { receive_only, permissive, enforce };
enum class AntiReplay : std::uint8_t { time, monotonic };
constexpr auto enum_names(HmacMode*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{HmacMode::receive_only, string_view{"receive-only"}},
                    pair{HmacMode::permissive, string_view{"permissive"}},
                    pair{HmacMode::enforce, string_view{"enforce"}}};
}
constexpr auto enum_names(AntiReplay*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{AntiReplay::time, string_view{"time"}}, pair{AntiReplay::monotonic, string_view{"monotonic"}}};
}

/// What is in no log, no message of an error and nobody's JSON but vrrpd's.
struct Secret {
  std::string text;
  bool operator==(const Secret&) const = default;
};

/// One key of `auth_hmac`.
struct HmacKey {
  std::uint8_t id = 0;  ///< 1..255, told on the wire
  Secret bytes;         ///< lower-case hex of 32 to 64 bytes
  bool operator==(const HmacKey&) const = default;
};

/// The HMAC-SHA256 trailer of draft-cassen-vrrp-auth-hmac.
struct AuthHmac {
  std::vector<HmacKey> keys;
  std::uint8_t active_key = 0;  ///< the key that signs
  AntiReplay anti_replay = AntiReplay::time;
  std::chrono::microseconds time_window{5'000'000};  ///< of `time`: how far a sender's clock may be from ours
  HmacMode mode = HmacMode::enforce;
  bool operator==(const AuthHmac&) const = default;
};

}  // namespace ballast::config
