#pragma once
// Tunnels as tests write them: `Tunnel{Wrapping::gre, "10.1.0.11", "10.1.0.21"}.wrap(packet)`. Every modifier gives a
// changed copy.
#include <string>
#include <vector>

#include "tests/packet/packet.hpp"

namespace ballast::packet {

enum class Wrapping : std::uint8_t { ip, gre, gre_all_fields, gue, gue_direct };

class Tunnel {
 public:
  Tunnel(Wrapping wrapping, std::string_view source, std::string_view destination);

  [[nodiscard]] Tunnel ecn(unsigned value) const;
  [[nodiscard]] Tunnel tags(unsigned count) const;
  [[nodiscard]] Tunnel to(const net::MacAddress& mac) const;
  [[nodiscard]] Tunnel port(unsigned value) const;
  /// IPv4 options, or IPv6 hop-by-hop and destination options.
  [[nodiscard]] Tunnel options() const;
  [[nodiscard]] Tunnel fragment(unsigned offset, bool more) const;

  // Lies, and what is rarely seen.
  [[nodiscard]] Tunnel longer_by(int bytes) const;      ///< the outer IP header's length
  [[nodiscard]] Tunnel udp_longer_by(int bytes) const;  ///< UDP's
  [[nodiscard]] Tunnel gue_bytes(std::uint8_t first, std::uint8_t protocol, std::uint16_t flags) const;
  [[nodiscard]] Tunnel gre_words(std::uint16_t flags, std::uint16_t protocol) const;
  [[nodiscard]] Tunnel trailer(std::size_t bytes) const;  ///< behind the packet inside, within the outer one
  [[nodiscard]] Tunnel padding(std::size_t bytes) const;  ///< behind the outer packet

  [[nodiscard]] Bytes wrap(const Packet& inner) const;
  /// The frame without its tunnel, as it should come out.
  [[nodiscard]] Bytes unwrapped(const Packet& inner) const;
  [[nodiscard]] bool is_v6() const { return source_.is_v6(); }
  /// Where in a wrapped frame the packet inside begins.
  [[nodiscard]] std::size_t overhead(const Packet& inner) const;
  [[nodiscard]] std::string name() const;

 private:
  [[nodiscard]] Bytes link(bool is_ipv6) const;
  [[nodiscard]] Bytes shim(bool inner_is_v6, std::size_t length) const;
  [[nodiscard]] std::uint8_t protocol(bool inner_is_v6) const;
  [[nodiscard]] Bytes outer(std::uint8_t protocol, std::size_t length) const;
  [[nodiscard]] Bytes outer_ipv4(std::uint8_t protocol, std::size_t length) const;
  [[nodiscard]] Bytes outer_ipv6(std::uint8_t protocol, std::size_t length) const;

  Wrapping wrapping_;
  net::IpAddress source_;
  net::IpAddress destination_;
  net::MacAddress mac_ = balancer_mac;
  unsigned ecn_ = 0;
  unsigned tags_ = 0;
  unsigned port_ = 6080;
  bool options_ = false;
  bool is_fragment_ = false;
  unsigned offset_ = 0;
  bool more_ = false;
  int lie_ = 0;
  int udp_lie_ = 0;
  std::optional<Bytes> gue_;
  std::optional<Bytes> gre_;
  std::size_t trailer_ = 0;
  std::size_t padding_ = 0;
};

/// The packet alone, without its Ethernet header.
Bytes ip_bytes(const Packet& packet);

}  // namespace ballast::packet
