#include "tests/packet/report.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <span>

#include "common/net/checksum.hpp"

namespace ballast::packet {
namespace {

constexpr std::size_t ethernet_header = 14;

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& out, std::size_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
template <class Range>
void put(Bytes& out, const Range& bytes) {
  out.insert(out.end(), std::begin(bytes), std::end(bytes));
}
void set16(Bytes& out, std::size_t at, std::uint32_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}
std::uint16_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

Bytes quote(const Packet& packet, std::size_t behind) {
  const auto frame = packet.bytes();
  Bytes ip{frame.begin() + ethernet_header, frame.end()};
  const std::size_t header = ip[0] >> 4 == 6 ? 40 : (ip[0] & 0xfU) * 4U;
  ip.resize(std::min(ip.size(), header + behind));
  return ip;
}

}  // namespace

Report::Report(unsigned type, unsigned code, std::uint32_t rest, const net::IpAddress& source,
               const net::IpAddress& destination, const Packet& quoted)
    : type_{static_cast<std::uint8_t>(type)},
      code_{static_cast<std::uint8_t>(code)},
      rest_{rest},
      source_{source},
      destination_{destination},
      quoted_{quoted} {}

#define BALLAST_WITH(signature, assignment) \
  Report Report::signature const {          \
    auto copy = *this;                      \
    copy.assignment;                        \
    return copy;                            \
  }
BALLAST_WITH(from(const net::IpAddress& source), source_ = source)
BALLAST_WITH(to(const net::IpAddress& destination), destination_ = destination)
BALLAST_WITH(quoting(const Packet& packet), quoted_ = packet)
BALLAST_WITH(quote_of(std::size_t bytes), quote_ = bytes)
BALLAST_WITH(quoting_bytes(Bytes bytes), quoted_bytes_ = std::move(bytes))
BALLAST_WITH(hop(), ttl_ -= 1)
BALLAST_WITH(ttl(unsigned value), ttl_ = value)
BALLAST_WITH(vlan(unsigned id), vlan_ = id)
BALLAST_WITH(unsound(), unsound_ = true)
#undef BALLAST_WITH

Report Report::via(const net::MacAddress& source, const net::MacAddress& destination) const {
  auto copy = *this;
  copy.source_mac_ = source;
  copy.destination_mac_ = destination;
  return copy;
}

Bytes Report::ip_bytes() const {
  Bytes icmp{type_, code_, 0, 0};
  put32(icmp, rest_);
  put(icmp, quoted_bytes_.empty() ? quote(quoted_, quote_) : quoted_bytes_);
  const auto length = static_cast<std::uint32_t>(icmp.size());
  const auto pseudo = is_ipv6() ? net::pseudo_header_sum(source_, destination_, IPPROTO_ICMPV6, length) : 0;
  set16(icmp, 2, net::checksum_finish(net::checksum_add(icmp, pseudo)) ^ (unsound_ ? 1U : 0U));
  Bytes out;
  if (is_ipv6()) {
    put32(out, 0x6c000000);
    put16(out, icmp.size());
    out.push_back(IPPROTO_ICMPV6);
    out.push_back(static_cast<std::uint8_t>(ttl_));
  } else {
    put16(out, 0x45c0);
    put16(out, 20 + icmp.size());
    put32(out, 0x4000);
    out.push_back(static_cast<std::uint8_t>(ttl_));
    out.push_back(IPPROTO_ICMP);
    put16(out, 0);
  }
  put(out, source_.bytes());
  put(out, destination_.bytes());
  if (!is_ipv6()) set16(out, 10, net::checksum_finish(net::checksum_add(out)));
  put(out, icmp);
  return out;
}

Bytes Report::bytes() const {
  Bytes out;
  put(out, destination_mac_.bytes);
  put(out, source_mac_.bytes);
  if (vlan_ != 0) {
    put16(out, 0x8100);
    put16(out, vlan_);
  }
  put16(out, is_ipv6() ? 0x86dd : 0x0800);
  put(out, ip_bytes());
  return out;
}

Report too_big(std::uint32_t mtu, const net::IpAddress& source, const net::IpAddress& destination,
               const Packet& quoted) {
  return source.is_v6() ? Report{2, 0, mtu, source, destination, quoted}
                        : Report{3, 4, mtu, source, destination, quoted};
}
Report port_unreachable(const net::IpAddress& source, const net::IpAddress& destination, const Packet& quoted) {
  return source.is_v6() ? Report{1, 4, 0, source, destination, quoted} : Report{3, 3, 0, source, destination, quoted};
}
Report time_exceeded(const net::IpAddress& source, const net::IpAddress& destination, const Packet& quoted) {
  return {source.is_v6() ? 3U : 11U, 0, 0, source, destination, quoted};
}

Outer open_tunnel(const Bytes& frame) {
  Outer outer;
  std::size_t at = ethernet_header;
  while (get16(frame, at - 2) == 0x8100 || get16(frame, at - 2) == 0x88a8) at += 4;
  const bool v6 = get16(frame, at - 2) == 0x86dd;
  const auto ip = std::span{frame}.subspan(at);
  const std::size_t header = v6 ? 40 : 20;
  if (v6) {
    outer.traffic_class = static_cast<std::uint8_t>(get16(ip, 0) >> 4);
    outer.flow_label = (ip[1] & 0xfU) << 16U | get16(ip, 2);
    outer.protocol = ip[6];
    outer.ttl = ip[7];
    outer.dont_fragment = true;
    if (get16(ip, 4) + header != ip.size()) outer.fault = "outer length";
  } else {
    outer.traffic_class = ip[1];
    outer.id = get16(ip, 4);
    outer.dont_fragment = get16(ip, 6) == 0x4000;
    outer.ttl = ip[8];
    outer.protocol = ip[9];
    if (ip[0] != 0x45 || get16(ip, 2) != ip.size()) outer.fault = "outer header or length";
    if (net::checksum_finish(net::checksum_add(ip.first(header))) != 0) outer.fault = "outer IPv4 checksum";
  }
  outer.source = *net::IpAddress::from_bytes(ip.subspan(v6 ? 8 : 12, v6 ? 16 : 4));
  outer.destination = *net::IpAddress::from_bytes(ip.subspan(v6 ? 24 : 16, v6 ? 16 : 4));
  const auto payload = ip.subspan(header);
  std::size_t shim = 0;
  std::uint16_t inner_protocol = outer.protocol;
  if (outer.protocol == IPPROTO_UDP) {
    shim = 12;
    outer.source_port = get16(payload, 0);
    outer.port = get16(payload, 2);
    outer.has_checksum = get16(payload, 6) != 0;
    inner_protocol = payload[9];
    if (get16(payload, 4) != payload.size()) outer.fault = "UDP length";
    if (payload[8] != 0 || get16(payload, 10) != 0) outer.fault = "GUE header";
    const auto pseudo = net::pseudo_header_sum(outer.source, outer.destination, IPPROTO_UDP,
                                               static_cast<std::uint32_t>(payload.size()));
    if (outer.has_checksum && net::checksum_finish(net::checksum_add(payload, pseudo)) != 0)
      outer.fault = "UDP checksum";
  } else if (outer.protocol == IPPROTO_GRE) {
    outer.has_checksum = get16(payload, 0) == 0x8000;
    if (!outer.has_checksum && get16(payload, 0) != 0) outer.fault = "GRE flags";
    shim = outer.has_checksum ? 8 : 4;
    inner_protocol = get16(payload, 2) == 0x0800 ? IPPROTO_IPIP : get16(payload, 2) == 0x86dd ? IPPROTO_IPV6 : 0;
    if (outer.has_checksum && net::checksum_finish(net::checksum_add(payload)) != 0) outer.fault = "GRE checksum";
  }
  outer.inner.assign(payload.begin() + static_cast<std::ptrdiff_t>(shim), payload.end());
  if (inner_protocol != (outer.inner[0] >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP)) outer.fault = "inner protocol";
  return outer;
}

}  // namespace ballast::packet
