#include "bench/datapath/frame.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "common/net/checksum.hpp"

namespace ballast::bench {
namespace {

constexpr std::size_t ethernet = 14;
constexpr std::size_t tcp_length = 20;
constexpr std::uint8_t tcp_protocol = 6;

void put16(std::uint8_t* to, std::uint32_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}

std::uint16_t get16(const std::uint8_t* from) { return static_cast<std::uint16_t>(from[0] << 8 | from[1]); }

std::size_t ip_length(bool is_v4) { return is_v4 ? 20 : 40; }

void put_ip(std::uint8_t* ip, const Packet& packet) {
  const auto source = packet.source.address.bytes();
  const auto destination = packet.destination.address.bytes();
  if (packet.source.address.is_v4()) {
    ip[0] = 0x45;
    put16(ip + 2, 20 + tcp_length + packet.payload);
    ip[8] = packet.ttl;
    ip[9] = tcp_protocol;
    std::ranges::copy(source, ip + 12);
    std::ranges::copy(destination, ip + 16);
    put16(ip + 10, net::checksum_finish(net::checksum_add({ip, 20})));
  } else {
    ip[0] = 0x60;
    put16(ip + 4, tcp_length + packet.payload);
    ip[6] = tcp_protocol;
    ip[7] = packet.ttl;
    std::ranges::copy(source, ip + 8);
    std::ranges::copy(destination, ip + 24);
  }
}

std::uint32_t tcp_sum(std::span<const std::uint8_t> segment, const Packet& packet) {
  const auto pseudo = net::pseudo_header_sum(packet.source.address, packet.destination.address, tcp_protocol,
                                             static_cast<std::uint32_t>(segment.size()));
  return net::checksum_add(segment, pseudo);
}

void put_tcp(std::uint8_t* tcp, const Packet& packet) {
  put16(tcp, packet.source.port);
  put16(tcp + 2, packet.destination.port);
  tcp[12] = 5 << 4;
  tcp[13] = packet.flags;
  put16(tcp + 14, 0xffff);
  put16(tcp + 16, net::checksum_finish(tcp_sum({tcp, tcp_length + packet.payload}, packet)));
}

net::IpAddress address_at(const std::uint8_t* bytes, bool is_v4) {
  return is_v4 ? net::IpAddress::v4(std::span<const std::uint8_t, 4>{bytes, 4})
               : net::IpAddress::v6(std::span<const std::uint8_t, 16>{bytes, 16});
}

/// What stands between the outer header and the packet, and which IP version that is.
struct Shim {
  std::size_t length = 0;
  bool is_v4 = false;
};

std::optional<Shim> shim_of(std::uint8_t protocol, const std::uint8_t* next) {
  constexpr std::size_t udp_header = 8, gue_header = 4, gre_header = 4;
  constexpr std::uint8_t ipip = 4, ipv6 = 41, udp = 17, gre = 47;
  switch (protocol) {
    case ipip:
    case ipv6:
      return Shim{0, protocol == ipip};
    case udp:
      return Shim{udp_header + gue_header, next[udp_header + 1] == ipip};
    case gre:
      return Shim{gre_header, get16(next + 2) == 0x0800};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<std::uint8_t> make_frame(const Packet& packet) {
  const bool is_v4 = packet.source.address.is_v4();
  std::vector<std::uint8_t> frame(is_v4 ? FEED_FRAME4 : FEED_FRAME6);
  std::ranges::copy(packet.destination_mac.bytes, frame.begin());
  std::ranges::copy(packet.source_mac.bytes, frame.begin() + 6);
  put16(&frame[12], is_v4 ? 0x0800 : 0x86dd);
  put_ip(&frame[ethernet], packet);
  put_tcp(&frame[ethernet + ip_length(is_v4)], packet);
  return frame;
}

Result<Packet> read_frame(const std::vector<std::uint8_t>& frame) {
  if (frame.size() < FEED_FRAME4) return fail("a frame of {} bytes came out", frame.size());
  const bool is_v4 = get16(&frame[12]) == 0x0800;
  if (!is_v4 && (get16(&frame[12]) != 0x86dd || frame.size() < FEED_FRAME6)) return fail("the frame is no IP packet");
  const std::uint8_t* ip = &frame[ethernet];
  const std::uint8_t* tcp = ip + ip_length(is_v4);
  const std::size_t length = is_v4 ? get16(ip + 2) - 20U : get16(ip + 4);
  const std::size_t header = static_cast<std::size_t>(tcp[12] >> 4) * 4;
  if (header < tcp_length || length < header || ethernet + ip_length(is_v4) + length > frame.size()) {
    return fail("a TCP header of {} bytes in {} bytes of a frame of {}", header, length, frame.size());
  }
  Packet packet;
  std::copy_n(frame.begin(), 6, packet.destination_mac.bytes.begin());
  std::copy_n(frame.begin() + 6, 6, packet.source_mac.bytes.begin());
  packet.source = {address_at(ip + (is_v4 ? 12 : 8), is_v4), get16(tcp)};
  packet.destination = {address_at(ip + (is_v4 ? 16 : 24), is_v4), get16(tcp + 2)};
  packet.flags = tcp[13];
  packet.ttl = is_v4 ? ip[8] : ip[7];
  packet.payload = static_cast<std::uint8_t>(length - header);
  packet.options.assign(tcp + tcp_length, tcp + header);
  if (is_v4 && net::checksum_finish(net::checksum_add({ip, 20})) != 0) return fail("the IP header's checksum is wrong");
  if (net::checksum_finish(tcp_sum({tcp, length}, packet)) != 0) return fail("the TCP checksum is wrong");
  return packet;
}

Result<Tunnelled> unwrap(const std::vector<std::uint8_t>& frame) {
  if (frame.size() < ethernet + FEED_FRAME4) return fail("a frame of {} bytes came out", frame.size());
  const bool is_v4 = get16(&frame[12]) == 0x0800;
  const std::uint8_t* outer = &frame[ethernet];
  if (is_v4 && net::checksum_finish(net::checksum_add({outer, 20})) != 0) return fail("the outer checksum is wrong");
  const auto shim = shim_of(outer[is_v4 ? 9 : 6], outer + ip_length(is_v4));
  if (!shim) return fail("the frame is no packet in a tunnel");
  const auto inside = ethernet + ip_length(is_v4) + shim->length;
  if (frame.size() < inside + 20) return fail("a frame of {} bytes came out", frame.size());
  Tunnelled out{address_at(outer + (is_v4 ? 16 : 24), is_v4), {frame.begin(), frame.begin() + ethernet}};
  put16(&out.inside[12], shim->is_v4 ? 0x0800 : 0x86dd);
  out.inside.insert(out.inside.end(), frame.begin() + static_cast<std::ptrdiff_t>(inside), frame.end());
  return out;
}

feed_state make_feed(const Packet& packet) {
  const auto frame = make_frame(packet);
  feed_state state{};
  std::memcpy(state.macs, frame.data(), sizeof state.macs);
  std::memcpy(&state.protocol, &frame[12], sizeof state.protocol);
  state.length = static_cast<__u16>(frame.size());
  std::memcpy(state.words, &frame[ethernet], std::min(sizeof state.words, frame.size() - ethernet));
  return state;
}

}  // namespace ballast::bench
