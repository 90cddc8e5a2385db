#include "daemons/vrrpd/protocol/packet.hpp"

#include <algorithm>

#include "common/net/checksum.hpp"

namespace ballast::vrrpd {
namespace {

constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::size_t arp_length = 28;
constexpr std::size_t ethernet = 14;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t solicitation = 135;
constexpr std::uint8_t advertisement = 136;
constexpr std::size_t neighbour_message = 24;  ///< without options
constexpr std::uint8_t target_mac_option = 2;
constexpr std::uint8_t source_mac_option = 1;

constexpr std::array<std::uint8_t, 5> virtual_v4{0, 0, 0x5e, 0, 1};
constexpr std::array<std::uint8_t, 5> virtual_v6{0, 0, 0x5e, 0, 2};

std::size_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]);
}

net::MacAddress mac_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  net::MacAddress mac;
  std::ranges::copy(bytes.subspan(at, mac.bytes.size()), mac.bytes.begin());
  return mac;
}

template <std::size_t Size, class Bytes>
void put(std::array<std::uint8_t, Size>& frame, std::size_t at, const Bytes& bytes) {
  std::ranges::copy(bytes, frame.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The payload of an IPv6 packet with that next header.
std::optional<std::span<const std::uint8_t>> ipv6_payload(std::span<const std::uint8_t> packet, std::uint8_t next) {
  if (packet.size() < ipv6_header || packet[0] >> 4 != 6 || packet[6] != next) return std::nullopt;
  const auto length = read16(packet, 4);
  if (length > packet.size() - ipv6_header) return std::nullopt;
  return packet.subspan(ipv6_header, length);
}

}  // namespace

std::optional<Datagram> ipv4_datagram(std::span<const std::uint8_t> packet) {
  if (packet.size() < ipv4_header || packet[0] >> 4 != 4) return std::nullopt;
  const std::size_t header = (packet[0] & 0xfU) * 4;
  const auto total = read16(packet, 2);
  constexpr std::size_t fragment_bits = 0x3fff;  // "more follow" and the offset
  if (header < ipv4_header || total < header || total > packet.size() || (read16(packet, 6) & fragment_bits) != 0) {
    return std::nullopt;
  }
  return Datagram{net::IpAddress::v4(packet.subspan<12, 4>()), net::IpAddress::v4(packet.subspan<16, 4>()), packet[8],
                  packet.subspan(header, total - header)};
}

std::optional<Datagram> ipv6_datagram(std::span<const std::uint8_t> packet) {
  const auto payload = ipv6_payload(packet, vrrp_protocol);
  if (!payload) return std::nullopt;
  return Datagram{net::IpAddress::v6(packet.subspan<8, 16>()), net::IpAddress::v6(packet.subspan<24, 16>()), packet[7],
                  *payload};
}

std::optional<NeighbourAnswer> parse_arp_reply(std::span<const std::uint8_t> packet) {
  constexpr std::array<std::uint8_t, 8> reply{0, 1, 8, 0, 6, 4, 0, 2};  // Ethernet, IPv4, their lengths, reply
  if (packet.size() < arp_length || !std::ranges::equal(packet.first(reply.size()), reply)) return std::nullopt;
  return NeighbourAnswer{net::IpAddress::v4(packet.subspan<14, 4>()), mac_at(packet, 8)};
}

std::optional<NeighbourAnswer> parse_neighbour_advertisement(std::span<const std::uint8_t> packet,
                                                             const net::MacAddress& frame_source) {
  const auto message = ipv6_payload(packet, icmpv6);
  if (!message || packet[7] != 255 || message->size() < neighbour_message || (*message)[0] != advertisement) {
    return std::nullopt;
  }
  NeighbourAnswer answer{net::IpAddress::v6(message->subspan<8, 16>()), frame_source};
  auto options = message->subspan(neighbour_message);
  while (options.size() >= 8) {
    const std::size_t length = options[1] * 8U;
    if (length == 0 || length > options.size()) return std::nullopt;
    if (options[0] == target_mac_option && length == 8) answer.mac = mac_at(options, 2);
    options = options.subspan(length);
  }
  return answer;
}

ArpFrame arp_probe(const net::IpAddress& address, const net::MacAddress& mac) {
  ArpFrame frame{};
  put(frame, 0, std::array<std::uint8_t, 6>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  put(frame, 6, mac.bytes);
  put(frame, 12, std::array<std::uint8_t, 10>{8, 6, 0, 1, 8, 0, 6, 4, 0, 1});
  put(frame, 22, mac.bytes);
  put(frame, 38, address.bytes());
  return frame;
}

SolicitationFrame neighbour_solicitation(const net::IpAddress& address, const net::IpAddress& source,
                                         const net::MacAddress& mac) {
  std::array<std::uint8_t, 16> group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};  // solicited-node (RFC 4291)
  const auto target = address.bytes();
  std::ranges::copy(target.last<3>(), group.begin() + 13);
  constexpr std::uint8_t length = neighbour_message + 8;
  constexpr std::size_t message = ethernet + ipv6_header;
  SolicitationFrame frame{};
  put(frame, 0, std::array<std::uint8_t, 6>{0x33, 0x33, 0xff, target[13], target[14], target[15]});
  put(frame, 6, mac.bytes);
  put(frame, 12, std::array<std::uint8_t, 2>{0x86, 0xdd});
  frame[ethernet] = 0x60;
  frame[ethernet + 5] = length;
  frame[ethernet + 6] = icmpv6;
  frame[ethernet + 7] = 255;
  put(frame, ethernet + 8, source.bytes());
  put(frame, ethernet + 24, group);
  frame[message] = solicitation;
  put(frame, message + 8, target);
  put(frame, message + neighbour_message, std::array<std::uint8_t, 2>{source_mac_option, 1});
  put(frame, message + neighbour_message + 2, mac.bytes);
  const auto sum = net::pseudo_header_sum(source, net::IpAddress::v6(group), icmpv6, length);
  const auto checksum = net::checksum_finish(net::checksum_add(std::span{frame}.subspan(message), sum));
  put(frame, message + 2,
      std::array{static_cast<std::uint8_t>(checksum >> 8), static_cast<std::uint8_t>(checksum & 0xff)});
  return frame;
}

net::MacAddress virtual_mac(net::Family family, std::uint8_t vrid) {
  net::MacAddress mac;
  std::ranges::copy(family == net::Family::ipv4 ? virtual_v4 : virtual_v6, mac.bytes.begin());
  mac.bytes[5] = vrid;
  return mac;
}

std::optional<std::uint8_t> vrid_of(const net::MacAddress& mac) {
  const auto prefix = std::span{mac.bytes}.first<5>();
  if (!std::ranges::equal(prefix, virtual_v4) && !std::ranges::equal(prefix, virtual_v6)) return std::nullopt;
  return mac.bytes[5];
}

}  // namespace ballast::vrrpd
