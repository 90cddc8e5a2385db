#pragma once
// Packets as tests write them: `tcp("198.51.100.7:40000", "203.0.113.10:80").syn()`. Every modifier gives a changed
// copy. Lengths and checksums are computed from the fields alone, so an expected packet proves a rewritten one's
// checksums.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::packet {

using Bytes = std::vector<std::uint8_t>;

net::Endpoint endpoint(std::string_view text);
net::IpAddress address(std::string_view text);
net::MacAddress mac(std::string_view text);

/// Of the client's side of the load balancer, as frames arrive in most tests.
inline const net::MacAddress client_mac = mac("02:00:00:00:00:c1");
inline const net::MacAddress balancer_mac = mac("02:00:00:00:00:1b");

class Packet {
 public:
  Packet(std::uint8_t protocol, const net::Endpoint& source, const net::Endpoint& destination);

  // Flags add up: .syn().ack() is a SYN-ACK.
  [[nodiscard]] Packet fin() const { return flag(0x01); }
  [[nodiscard]] Packet syn() const { return flag(0x02); }
  [[nodiscard]] Packet rst() const { return flag(0x04); }
  [[nodiscard]] Packet ack() const { return flag(0x10); }
  [[nodiscard]] Packet data(std::string_view text) const;
  [[nodiscard]] Packet sequence(std::uint32_t number) const;
  /// Sets the number only; .ack() sets the flag.
  [[nodiscard]] Packet acknowledges(std::uint32_t number) const;
  /// TCP options, a multiple of 4 bytes. Where there are more than 40 bytes the header lies.
  [[nodiscard]] Packet options(Bytes bytes) const;

  [[nodiscard]] Packet from(const net::Endpoint& source) const;
  [[nodiscard]] Packet to(const net::Endpoint& destination) const;
  [[nodiscard]] Packet via(const net::MacAddress& source, const net::MacAddress& destination) const;
  [[nodiscard]] Packet ttl(unsigned value) const;
  /// One router further.
  [[nodiscard]] Packet hop() const;

  [[nodiscard]] Packet vlan(unsigned tag) const;
  /// Two tags, the outer of IEEE 802.1ad.
  [[nodiscard]] Packet vlans(unsigned outer, unsigned inner) const;
  [[nodiscard]] Packet untagged() const;
  /// Of the IPv4 header; without it, 0x4242 and "don't fragment".
  [[nodiscard]] Packet identification(std::uint16_t number, bool dont_fragment) const;
  /// Type of service, traffic class.
  [[nodiscard]] Packet traffic_class(std::uint8_t value) const;
  /// NOP words in the IPv4 header.
  [[nodiscard]] Packet ip_options(unsigned words) const;
  /// An empty destination options header before TCP or UDP.
  [[nodiscard]] Packet ipv6_options() const;
  /// `offset` in bytes, a multiple of 8. Of IPv6: with a fragment header. Checksums are those of the fragment's own
  /// bytes.
  [[nodiscard]] Packet fragment(unsigned offset, bool more) const;
  /// UDP without a checksum.
  [[nodiscard]] Packet unsummed() const;

  // Lies.
  [[nodiscard]] Packet ip_header_words(unsigned words) const;
  [[nodiscard]] Packet ip_length(unsigned bytes) const;  ///< IPv4 total length, IPv6 payload length
  [[nodiscard]] Packet tcp_header_words(unsigned words) const;
  [[nodiscard]] Packet udp_length(unsigned bytes) const;
  /// The addresses in an IPv6 header though they are IPv4: ::ffff:a.b.c.d on the wire.
  [[nodiscard]] Packet in_ipv6_header() const;

  [[nodiscard]] Bytes bytes() const;
  [[nodiscard]] bool is_tcp() const;
  [[nodiscard]] const net::Endpoint& source() const { return source_; }
  [[nodiscard]] const net::Endpoint& destination() const { return destination_; }
  [[nodiscard]] std::uint8_t protocol() const { return protocol_; }
  [[nodiscard]] std::uint8_t flags() const { return flags_; }
  [[nodiscard]] const std::string& text() const { return data_; }
  [[nodiscard]] std::uint32_t sequence() const { return sequence_; }
  [[nodiscard]] const Bytes& options() const { return options_; }
  /// Of the IP packet.
  [[nodiscard]] std::uint64_t ip_bytes() const;

 private:
  [[nodiscard]] Packet flag(std::uint8_t bit) const;
  [[nodiscard]] bool is_ipv6() const { return ipv6_header_ || source_.address.is_v6(); }
  [[nodiscard]] Bytes layer4() const;
  void append_ethernet(Bytes& out) const;
  void append_ipv4(Bytes& out, std::size_t payload) const;
  void append_ipv6(Bytes& out, std::size_t payload) const;

  std::uint8_t protocol_;
  net::Endpoint source_;
  net::Endpoint destination_;
  net::MacAddress source_mac_ = client_mac;
  net::MacAddress destination_mac_ = balancer_mac;
  unsigned ttl_ = 64;
  std::uint8_t flags_ = 0;
  std::string data_;
  std::uint32_t sequence_ = 0x01020304;
  std::uint32_t acknowledges_ = 0x0a0b0c0d;
  Bytes options_;
  std::uint16_t identification_ = 0x4242;
  bool dont_fragment_ = true;
  std::uint8_t traffic_class_ = 0;
  std::optional<unsigned> outer_vlan_;
  std::optional<unsigned> vlan_;
  unsigned option_words_ = 0;
  bool ipv6_options_ = false;
  struct Fragment {
    unsigned offset;
    bool more;
  };
  std::optional<Fragment> fragment_;
  bool unsummed_ = false;
  bool ipv6_header_ = false;
  std::optional<unsigned> ip_header_words_;
  std::optional<unsigned> ip_length_;
  std::optional<unsigned> tcp_header_words_;
  std::optional<unsigned> udp_length_;
};

Packet tcp(const net::Endpoint& source, const net::Endpoint& destination);
Packet udp(const net::Endpoint& source, const net::Endpoint& destination);
Packet tcp(std::string_view source, std::string_view destination);
Packet udp(std::string_view source, std::string_view destination);
/// An echo request, of the addresses' family.
Packet ping(const net::IpAddress& source, const net::IpAddress& destination);

// TCP options, to be added up to a multiple of 4 bytes.
Bytes operator+(Bytes left, const Bytes& right);
Bytes nops(unsigned count);
Bytes mss(unsigned bytes);
/// TOA (kind 254): IPv4 8 bytes, IPv6 20.
Bytes toa(const net::Endpoint& client);
Bytes timestamps();
/// `edges` in pairs.
Bytes sack(const std::vector<std::uint32_t>& edges);

/// Where a TCP or UDP frame comes from, by its headers alone. Throws when it is none.
net::Endpoint sender(const Bytes& frame);
/// The identification of an IPv4 frame.
std::uint16_t identification(const Bytes& frame);

/// What is wrong with a frame's checksums, by summing all of it; empty: nothing.
std::string checksum_fault(const Bytes& frame);

/// A frame in one line for a person.
std::string describe(const Bytes& frame);

}  // namespace ballast::packet
