#include "daemons/vrrpd/protocol/announcement.hpp"

#include <algorithm>

#include "common/net/checksum.hpp"

namespace ballast::vrrpd {
namespace {

constexpr net::MacAddress broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr std::uint8_t icmpv6 = 58;
constexpr std::size_t ipv6_at = 14;
constexpr std::size_t icmp_at = ipv6_at + 40;

template <std::size_t Size, class Bytes>
void put(std::array<std::uint8_t, Size>& frame, std::size_t at, const Bytes& bytes) {
  std::ranges::copy(bytes, frame.begin() + static_cast<std::ptrdiff_t>(at));
}

template <std::size_t Size>
void put_ethernet(std::array<std::uint8_t, Size>& frame, const net::MacAddress& to, const net::MacAddress& from,
                  std::uint16_t type) {
  put(frame, 0, to.bytes);
  put(frame, 6, from.bytes);
  put(frame, 12, std::array{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type & 0xff)});
}

}  // namespace

ArpFrame gratuitous_arp(const net::IpAddress& address, const net::MacAddress& mac, ArpForm form) {
  ArpFrame frame{};
  put_ethernet(frame, broadcast, mac, 0x0806);
  put(frame, 14, std::array<std::uint8_t, 6>{0, 1, 8, 0, 6, 4});  // Ethernet, IPv4, their lengths
  frame[21] = static_cast<std::uint8_t>(form);
  put(frame, 22, mac.bytes);
  put(frame, 28, address.bytes());
  if (form == ArpForm::reply)
    put(frame, 32, mac.bytes);  // RFC 5227: a request leaves the target's hardware address zero
  put(frame, 38, address.bytes());
  return frame;
}

NeighbourFrame unsolicited_advertisement(const net::IpAddress& address, const net::MacAddress& mac, bool router) {
  constexpr std::array<std::uint8_t, 16> all_nodes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::uint8_t icmp_length = 32;
  NeighbourFrame frame{};
  put_ethernet(frame, net::MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, mac, 0x86dd);
  frame[ipv6_at] = 0x60;
  frame[ipv6_at + 5] = icmp_length;
  frame[ipv6_at + 6] = icmpv6;
  frame[ipv6_at + 7] = 255;  // RFC 4861 section 7.1.2: receivers insist
  put(frame, ipv6_at + 8, address.bytes());
  put(frame, ipv6_at + 24, all_nodes);
  frame[icmp_at] = 136;
  frame[icmp_at + 4] = static_cast<std::uint8_t>(0x20 | (router ? 0x80 : 0));
  put(frame, icmp_at + 8, address.bytes());
  put(frame, icmp_at + 24, std::array<std::uint8_t, 2>{2, 1});  // target link-layer address, 8 bytes
  put(frame, icmp_at + 26, mac.bytes);
  const auto sum = net::pseudo_header_sum(address, net::IpAddress::v6(all_nodes), icmpv6, icmp_length);
  const auto checksum = net::checksum_finish(net::checksum_add(std::span{frame}.subspan(icmp_at), sum));
  put(frame, icmp_at + 2,
      std::array{static_cast<std::uint8_t>(checksum >> 8), static_cast<std::uint8_t>(checksum & 0xff)});
  return frame;
}

}  // namespace ballast::vrrpd
