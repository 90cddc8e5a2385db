#pragma once
#include <cstdint>
#include <span>

#include "common/net/ip_address.hpp"

namespace ballast::net {

/// The Internet checksum (RFC 1071) over bytes, on top of a partial sum; the result is folded, not yet inverted.
std::uint32_t checksum_add(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0);

/// Folds and inverts: the value for the header, in host order.
std::uint16_t checksum_finish(std::uint32_t sum);

/// The sum of the pseudo-header (RFC 768/793 for IPv4, RFC 8200 section 8.1 for IPv6). Both addresses of one family.
std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::uint32_t length);

}  // namespace ballast::net
