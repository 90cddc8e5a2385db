#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/model_checks.hpp"

namespace ballast::checkd {

/// The bytes of lower-case hexadecimal; a digit that is missing at the end is 0.
std::vector<std::uint8_t> bytes_of_hex(std::string_view digits);

/// Whether the bytes are as the pattern says, as far as both go: as keepalived compares. `x` stands for any four bits.
bool matches_pattern(std::string_view pattern, std::span<const std::uint8_t> bytes);

/// Why a reply of `length` bytes, of which `bytes` are known, is not what the check wants; empty: it is.
std::string fault_of_reply(const config::UdpCheck& check, std::size_t length, std::span<const std::uint8_t> bytes);

}  // namespace ballast::checkd
