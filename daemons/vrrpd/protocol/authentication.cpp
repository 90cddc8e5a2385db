#include "daemons/vrrpd/protocol/authentication.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

namespace ballast::vrrpd {
namespace {

constexpr std::uint8_t type_hmac_sha256 = 1;
constexpr std::size_t digest_length = 16;  ///< of the 32 bytes of HMAC-SHA256
constexpr std::size_t prefix_length = trailer_length - digest_length;
constexpr std::size_t pseudo_header_length = 20;
constexpr std::size_t checksum_offset = 6;
constexpr std::size_t header_length = 8;

using Digest = std::array<std::uint8_t, digest_length>;

std::uint64_t read64(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes.first<8>()) value = value << 8 | byte;
  return value;
}

/// Serial number arithmetic (RFC 1982).
bool is_after(std::uint64_t left, std::uint64_t right) { return static_cast<std::int64_t>(left - right) > 0; }

std::uint64_t sequence_of(WallTime now) {
  constexpr std::uint64_t second = 1'000'000'000;
  const auto nanoseconds = static_cast<std::uint64_t>(now.count());
  const std::uint64_t fraction = ((nanoseconds % second) << 16) / second;
  return (nanoseconds / second) << 32 | fraction << 16;
}

/// Seconds from one sequence's time to another's.
std::int32_t seconds_between(std::uint64_t from, std::uint64_t to) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(to >> 32) - static_cast<std::uint32_t>(from >> 32));
}

/// Over family, version, VRID and source, then the message up to the HMAC, the checksum and the HMAC read as zero.
Digest digest_of(std::span<const std::uint8_t> key, const Origin& origin, std::span<const std::uint8_t> signed_part) {
  std::vector<std::uint8_t> input(pseudo_header_length, 0);
  input.reserve(pseudo_header_length + signed_part.size() + digest_length);
  input[0] = origin.source.is_v4() ? 4 : 6;
  input[1] = origin.version;
  input[2] = origin.vrid;
  std::ranges::copy(origin.source.bytes(), input.begin() + 4);
  input.insert(input.end(), signed_part.begin(), signed_part.end());
  input[pseudo_header_length + checksum_offset] = 0;
  input[pseudo_header_length + checksum_offset + 1] = 0;
  input.resize(input.size() + digest_length, 0);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> full{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), input.data(), input.size(), full.data(), &length);
  Digest digest{};
  std::copy_n(full.begin(), digest.size(), digest.begin());
  return digest;
}

std::vector<std::uint8_t> from_hex(std::string_view text) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return bytes;
}

}  // namespace

Authenticator::Authenticator(const config::AuthHmac& settings) { reconfigure(settings); }

void Authenticator::reconfigure(const config::AuthHmac& settings) {
  settings_ = settings;
  keys_.clear();
  for (const auto& key : settings.keys) keys_.push_back({key.id, from_hex(key.bytes.text)});
}

std::chrono::seconds Authenticator::window() const {
  return std::chrono::duration_cast<std::chrono::seconds>(settings_.time_window);
}

const Authenticator::Key* Authenticator::find(std::uint8_t id) const {
  const auto found = std::ranges::find(keys_, id, &Key::id);
  return found == keys_.end() ? nullptr : &*found;
}

std::uint64_t Authenticator::next_sequence(WallTime now) {
  const auto clock = sequence_of(now);
  const bool stranded =
      settings_.anti_replay == config::AntiReplay::time && seconds_between(clock, sent_) > window().count();
  sent_ = sent_ == 0 || is_after(clock, sent_) || stranded ? clock : sent_ + 1;
  return sent_;
}

void Authenticator::sign(const Origin& origin, std::uint64_t sequence, std::vector<std::uint8_t>& message) const {
  message.insert(message.end(), {type_hmac_sha256, settings_.active_key, 0, 0});
  for (int shift = 56; shift >= 0; shift -= 8) message.push_back(static_cast<std::uint8_t>(sequence >> shift));
  const auto* key = find(settings_.active_key);
  const auto digest = key == nullptr ? Digest{} : digest_of(key->bytes, origin, message);
  message.insert(message.end(), digest.begin(), digest.end());
}

TrailerVerdict Authenticator::verify(const Origin& origin, std::span<const std::uint8_t> message_and_trailer,
                                     WallTime now) {
  const auto& source = origin.source;
  if (message_and_trailer.size() < header_length + trailer_length)
    return {TrailerFault::malformed, fmt::format("{} bytes from {}", message_and_trailer.size(), source), {}};
  const auto trailer = message_and_trailer.last<trailer_length>();
  if (trailer[0] != type_hmac_sha256 || trailer[2] != 0 || trailer[3] != 0) {
    return {TrailerFault::malformed,
            fmt::format("trailer of type {} from {}, expected 1 (HMAC-SHA256)", trailer[0], source),
            {}};
  }
  const auto sequence = read64(trailer.subspan<4, 8>());
  const std::chrono::seconds skew{seconds_between(sequence_of(now), sequence)};
  if (!is_fresh(sequence, now)) {
    return {TrailerFault::stale,
            fmt::format("{}'s time is {} s {} ours, and {} s are allowed: an old advertisement sent again, or a clock "
                        "that is wrong",
                        source, std::abs(skew.count()), skew.count() < 0 ? "behind" : "ahead of", window().count()),
            skew};
  }
  const auto* key = find(trailer[1]);
  if (key == nullptr)
    return {TrailerFault::unknown_key, fmt::format("{} signs with key {}, which is not here", source, trailer[1]),
            skew};
  const auto digest =
      digest_of(key->bytes, origin, message_and_trailer.first(message_and_trailer.size() - digest_length));
  if (CRYPTO_memcmp(digest.data(), trailer.data() + prefix_length, digest.size()) != 0) {
    return {TrailerFault::forged,
            fmt::format("the HMAC from {} is wrong: forged, or key {} is another there", source, trailer[1]), skew};
  }
  if (!grows(source, sequence, now))
    return {TrailerFault::replayed, fmt::format("an advertisement of {} came again", source), skew};
  return {std::nullopt, {}, skew};
}

bool Authenticator::is_fresh(std::uint64_t sequence, WallTime now) const {
  if (settings_.anti_replay != config::AntiReplay::time) return true;
  const auto away = seconds_between(sequence_of(now), sequence);
  return std::abs(std::int64_t{away}) <= window().count();
}

bool Authenticator::grows(const net::IpAddress& source, std::uint64_t sequence, WallTime now) {
  ++verified_;
  auto sender = std::ranges::find(senders_, source, &Sender::address);
  if (sender != senders_.end()) {
    // What is outside the window orders only advertisements that the window refuses: a sender whose clock was put right
    // goes on.
    if (!is_after(sequence, sender->sequence) && is_fresh(sender->sequence, now)) return false;
  } else {
    if (senders_.size() == most_senders) senders_.erase(std::ranges::min_element(senders_, {}, &Sender::used));
    sender = senders_.insert(senders_.end(), Sender{source});
  }
  sender->sequence = sequence;
  sender->used = verified_;
  return true;
}

}  // namespace ballast::vrrpd
