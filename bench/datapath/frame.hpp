#pragma once
// TCP packets as the benchmark sends them, and whether what came out of a program is one that could be sent.
#include <cstdint>
#include <vector>

#include "bench/datapath/feed.h"
#include "common/net/ip_address.hpp"

namespace ballast::bench {

enum TcpFlags : std::uint8_t { tcp_syn = 0x02, tcp_ack = 0x10 };

/// A TCP packet in an Ethernet frame.
struct Packet {
  net::MacAddress source_mac, destination_mac;
  net::Endpoint source, destination;
  std::uint8_t flags = tcp_ack;
  std::uint8_t ttl = 64;
  std::uint8_t payload = 0;             ///< bytes of data, all zero: at most 4, which fit into the frame's padding
  std::vector<std::uint8_t> options{};  ///< of TCP, read only
};

/// The packet with right checksums, padded to 60 bytes (IPv4) or 78 (IPv6).
std::vector<std::uint8_t> make_frame(const Packet& packet);

/// What a frame says; an error where it is none of ours or a checksum is wrong.
Result<Packet> read_frame(const std::vector<std::uint8_t>& frame);

/// A packet in a tunnel (IPIP, GUE, GRE): the outer destination, and the frame without what the tunnel put in.
struct Tunnelled {
  net::IpAddress destination;
  std::vector<std::uint8_t> inside;
};
Result<Tunnelled> unwrap(const std::vector<std::uint8_t>& frame);

/// What the feeding programs write for flow 0 of this packet's range; they add the flow to the client's address and
/// port.
feed_state make_feed(const Packet& packet);

}  // namespace ballast::bench
