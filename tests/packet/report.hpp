#pragma once
// ICMP and ICMPv6 errors as tests write them: `too_big(1300, router, vip, packet)`. Every modifier gives a changed
// copy.
#include "tests/packet/packet.hpp"

namespace ballast::packet {

class Report {
 public:
  /// rest: the ICMP header's second word. The family is that of the addresses.
  Report(unsigned type, unsigned code, std::uint32_t rest, const net::IpAddress& source,
         const net::IpAddress& destination, const Packet& quoted);

  [[nodiscard]] Report from(const net::IpAddress& source) const;
  [[nodiscard]] Report to(const net::IpAddress& destination) const;
  [[nodiscard]] Report quoting(const Packet& packet) const;
  /// So many bytes of the quoted packet behind its IP header, or as many as it has; without it, 8.
  [[nodiscard]] Report quote_of(std::size_t bytes) const;
  /// Quotes these bytes from their IP header on, instead of a packet.
  [[nodiscard]] Report quoting_bytes(Bytes bytes) const;
  [[nodiscard]] Report via(const net::MacAddress& source, const net::MacAddress& destination) const;
  [[nodiscard]] Report hop() const;
  [[nodiscard]] Report ttl(unsigned value) const;
  [[nodiscard]] Report vlan(unsigned id) const;
  [[nodiscard]] Report unsound() const;  ///< its checksum is wrong

  [[nodiscard]] Bytes bytes() const;
  /// From its IP header on.
  [[nodiscard]] Bytes ip_bytes() const;

 private:
  [[nodiscard]] bool is_ipv6() const { return source_.is_v6(); }

  std::uint8_t type_;
  std::uint8_t code_;
  std::uint32_t rest_;
  net::IpAddress source_;
  net::IpAddress destination_;
  Packet quoted_;
  std::size_t quote_ = 8;
  Bytes quoted_bytes_;
  net::MacAddress source_mac_ = client_mac;
  net::MacAddress destination_mac_ = balancer_mac;
  unsigned ttl_ = 64;
  unsigned vlan_ = 0;
  bool unsound_ = false;
};

/// What a router says of a packet that is too big for its next link.
Report too_big(std::uint32_t mtu, const net::IpAddress& source, const net::IpAddress& destination,
               const Packet& quoted);
/// Nobody listens on the port.
Report port_unreachable(const net::IpAddress& source, const net::IpAddress& destination, const Packet& quoted);
Report time_exceeded(const net::IpAddress& source, const net::IpAddress& destination, const Packet& quoted);

/// A tunnel's packet taken apart, by code that shares nothing with the program's.
struct Outer {
  net::IpAddress source;
  net::IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 0;
  bool dont_fragment = false;
  std::uint16_t id = 0;
  std::uint32_t flow_label = 0;
  std::uint16_t source_port = 0;  ///< GUE
  std::uint16_t port = 0;         ///< GUE
  bool has_checksum = false;      ///< of GUE's UDP or GRE
  std::string fault;              ///< what is wrong with a checksum or a header, empty: nothing
  Bytes inner;                    ///< from the IP header on
};
Outer open_tunnel(const Bytes& frame);

}  // namespace ballast::packet
