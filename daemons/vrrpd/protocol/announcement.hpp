#pragma once
// The Ethernet frames that tell a segment where a virtual address lives now.
#include <array>
#include <cstdint>
#include <span>

#include "common/net/ip_address.hpp"

namespace ballast::vrrpd {

using ArpFrame = std::array<std::uint8_t, 42>;
using NeighbourFrame = std::array<std::uint8_t, 86>;

enum class ArpForm : std::uint8_t { request = 1, reply = 2 };

/// A gratuitous ARP (RFC 9568 section 6.4.1; RFC 5227 section 3): broadcast, sender and target protocol address the
/// same.
ArpFrame gratuitous_arp(const net::IpAddress& address, const net::MacAddress& mac, ArpForm form);

/// An unsolicited Neighbor Advertisement (RFC 4861 section 4.4) to ff02::1 with the override flag and the target's
/// link-layer address; `router` says whether this machine forwards.
NeighbourFrame unsolicited_advertisement(const net::IpAddress& address, const net::MacAddress& mac, bool router);

}  // namespace ballast::vrrpd
