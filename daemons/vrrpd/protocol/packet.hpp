#pragma once
// Packets as a packet socket hands them over, from the network header on; and the questions "who has this address?".
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "common/net/ip_address.hpp"
#include "daemons/vrrpd/protocol/announcement.hpp"
#include "daemons/vrrpd/protocol/codec.hpp"

namespace ballast::vrrpd {

/// A whole IPv4 packet; nothing if its lengths do not agree or it is a fragment.
std::optional<Datagram> ipv4_datagram(std::span<const std::uint8_t> packet);
/// An IPv6 packet of protocol 112 without extension headers; nothing if its lengths do not agree.
std::optional<Datagram> ipv6_datagram(std::span<const std::uint8_t> packet);

/// Somebody says that an address is at this MAC.
struct NeighbourAnswer {
  net::IpAddress address;
  net::MacAddress mac;
  bool operator==(const NeighbourAnswer&) const = default;
};

/// An ARP reply (RFC 826) for Ethernet and IPv4.
std::optional<NeighbourAnswer> parse_arp_reply(std::span<const std::uint8_t> packet);
/// A Neighbor Advertisement (RFC 4861 section 4.4); without the option of the target's MAC it is that of the frame.
std::optional<NeighbourAnswer> parse_neighbour_advertisement(std::span<const std::uint8_t> packet,
                                                             const net::MacAddress& frame_source);

using SolicitationFrame = std::array<std::uint8_t, 86>;

/// An ARP Probe (RFC 5227 section 1.1): its sender address is 0.0.0.0, so that it changes nobody's cache.
ArpFrame arp_probe(const net::IpAddress& address, const net::MacAddress& mac);
/// A Neighbor Solicitation (RFC 4861 section 4.3) from a link-local address of ours: the answer comes to us alone.
SolicitationFrame neighbour_solicitation(const net::IpAddress& address, const net::IpAddress& source,
                                         const net::MacAddress& mac);

/// 00-00-5E-00-01-VRID or 00-00-5E-00-02-VRID (RFC 9568 section 7.3).
net::MacAddress virtual_mac(net::Family family, std::uint8_t vrid);
/// The VRID of a virtual MAC of either family.
std::optional<std::uint8_t> vrid_of(const net::MacAddress& mac);

}  // namespace ballast::vrrpd
