#include "daemons/checkd/reply_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::checkd {
namespace {

constexpr std::size_t longest_shown = 16;  // bytes of a reply in a reason

unsigned digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10) : 0;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto byte : bytes.first(std::min(bytes.size(), longest_shown))) text += fmt::format("{:02x}", byte);
  return text + (bytes.size() > longest_shown ? "…" : "");
}

}  // namespace

std::vector<std::uint8_t> bytes_of_hex(std::string_view digits) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto low = i + 1 < digits.size() ? digit(digits[i + 1]) : 0;
    bytes.push_back(static_cast<std::uint8_t>(digit(digits[i]) << 4 | low));
  }
  return bytes;
}

bool matches_pattern(std::string_view pattern, std::span<const std::uint8_t> bytes) {
  const auto digits = std::min(pattern.size(), bytes.size() * 2);
  for (std::size_t i = 0; i < digits; ++i) {
    const unsigned byte = bytes[i / 2];
    const auto four = i % 2 == 0 ? byte >> 4 : byte & 0xf;
    if (pattern[i] != 'x' && digit(pattern[i]) != four) return false;
  }
  return true;
}

std::string fault_of_reply(const config::UdpCheck& check, std::size_t length, std::span<const std::uint8_t> bytes) {
  if (!check.require_reply) return {};
  if (length < check.min_reply) return fmt::format("a reply of {} bytes, wanted {} or more", length, check.min_reply);
  if (length > check.max_reply) return fmt::format("a reply of more than {} bytes", check.max_reply);
  if (!matches_pattern(check.reply, bytes)) return fmt::format("another reply than wanted: {}", hex(bytes));
  return {};
}

}  // namespace ballast::checkd
