#pragma once
#include <span>

#include "common/net/ip_address.hpp"
#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

/// The bit of an address in the filters, as the program computes it.
std::uint32_t filter_bit(const net::IpAddress& address);

inline void set_bit(std::span<std::uint8_t> bitmap, std::uint32_t bit) {
  bitmap[bit / 8] = static_cast<std::uint8_t>(bitmap[bit / 8] | 1U << (bit % 8));
}

bool same(const layout::filters& left, const layout::filters& right);

/// Bits set in either: what must be let in while one state turns into the other.
layout::filters united(const layout::filters& left, const layout::filters& right);

}  // namespace ballast::forwardd::xdp
