#include "tests/packet/packet.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <span>

#include "common/net/checksum.hpp"

namespace ballast::packet {
namespace {

constexpr std::size_t ethernet_header = 14;
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
constexpr std::uint16_t ethertype_vlan = 0x8100;
constexpr std::uint16_t ethertype_outer_vlan = 0x88a8;
constexpr std::uint32_t fragment_id = 0x4242;

void put8(Bytes& out, std::uint32_t value) { out.push_back(static_cast<std::uint8_t>(value)); }
void put16(Bytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& out, std::uint32_t value) {
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

std::uint16_t sum_layer4(std::span<const std::uint8_t> segment, const net::IpAddress& source,
                         const net::IpAddress& destination, std::uint8_t protocol) {
  const auto length = static_cast<std::uint32_t>(segment.size());
  return net::checksum_finish(
      net::checksum_add(segment, net::pseudo_header_sum(source, destination, protocol, length)));
}

/// The headers of a frame that is long enough for them.
struct View {
  std::uint16_t ethertype = 0;
  std::span<const std::uint8_t> ip;
  std::span<const std::uint8_t> layer4;
  std::uint8_t protocol = 0;
  bool is_later_fragment = false;
  net::IpAddress source;
  net::IpAddress destination;
};

bool is_extension(std::uint8_t header) {
  return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_DSTOPTS ||
         header == IPPROTO_FRAGMENT || header == IPPROTO_AH;
}

std::optional<View> view(const Bytes& frame) {
  if (frame.size() < ethernet_header) return std::nullopt;
  View made;
  std::size_t start = ethernet_header;
  while ((get16(frame, start - 2) == ethertype_vlan || get16(frame, start - 2) == ethertype_outer_vlan) &&
         frame.size() >= start + 4)
    start += 4;
  made.ethertype = get16(frame, start - 2);
  made.ip = std::span{frame}.subspan(start);
  const auto ip = made.ip;
  if (made.ethertype == ethertype_ipv4 && ip.size() >= ipv4_header) {
    const std::size_t header = (ip[0] & 0xfU) * 4U;
    const std::size_t length = get16(ip, 2);
    if (length < header || length > ip.size()) return std::nullopt;
    made.ip = ip.first(length);
    made.layer4 = made.ip.subspan(header);
    made.protocol = ip[9];
    made.is_later_fragment = (get16(ip, 6) & 0x1fffU) != 0;
    made.source = *net::IpAddress::from_bytes(ip.subspan(12, 4));
    made.destination = *net::IpAddress::from_bytes(ip.subspan(16, 4));
  } else if (made.ethertype == ethertype_ipv6 && ip.size() >= ipv6_header) {
    const std::size_t length = ipv6_header + get16(ip, 4);
    if (length > ip.size()) return std::nullopt;
    made.ip = ip.first(length);
    made.layer4 = made.ip.subspan(ipv6_header);
    made.protocol = ip[6];
    while (is_extension(made.protocol) && made.layer4.size() >= 8) {
      const auto header = made.protocol;
      const std::size_t size = header == IPPROTO_FRAGMENT ? 8
                               : header == IPPROTO_AH     ? (made.layer4[1] + 2U) * 4U
                                                          : (made.layer4[1] + 1U) * 8U;
      if (header == IPPROTO_FRAGMENT) made.is_later_fragment = (get16(made.layer4, 2) & 0xfff8U) != 0;
      if (size > made.layer4.size()) return std::nullopt;
      made.protocol = made.layer4[0];
      made.layer4 = made.layer4.subspan(size);
      if (made.is_later_fragment) break;
    }
    made.source = *net::IpAddress::from_bytes(ip.subspan(8, 16));
    made.destination = *net::IpAddress::from_bytes(ip.subspan(24, 16));
  } else {
    return std::nullopt;
  }
  return made;
}

std::string flag_names(std::uint8_t flags) {
  std::string names;
  constexpr const char* all[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((flags & 1U << bit) != 0) names += std::string{names.empty() ? "" : "+"} + all[bit];
  }
  return names.empty() ? "no flags" : names;
}

}  // namespace

net::Endpoint endpoint(std::string_view text) { return net::Endpoint::parse(text).value(); }
net::IpAddress address(std::string_view text) { return net::IpAddress::parse(text).value(); }
net::MacAddress mac(std::string_view text) { return net::MacAddress::parse(text).value(); }

Packet::Packet(std::uint8_t protocol, const net::Endpoint& source, const net::Endpoint& destination)
    : protocol_{protocol}, source_{source}, destination_{destination} {}

Packet Packet::flag(std::uint8_t bit) const {
  auto copy = *this;
  copy.flags_ = static_cast<std::uint8_t>(flags_ | bit);
  return copy;
}

#define BALLAST_WITH(signature, field, value) \
  Packet Packet::signature const {            \
    auto copy = *this;                        \
    copy.field = value;                       \
    return copy;                              \
  }
BALLAST_WITH(data(std::string_view text), data_, text)
BALLAST_WITH(sequence(std::uint32_t number), sequence_, number)
BALLAST_WITH(acknowledges(std::uint32_t number), acknowledges_, number)
BALLAST_WITH(options(Bytes bytes), options_, bytes)
BALLAST_WITH(traffic_class(std::uint8_t value), traffic_class_, value)
BALLAST_WITH(from(const net::Endpoint& source), source_, source)
BALLAST_WITH(to(const net::Endpoint& destination), destination_, destination)
BALLAST_WITH(ttl(unsigned value), ttl_, value)
BALLAST_WITH(hop(), ttl_, ttl_ - 1)
BALLAST_WITH(vlan(unsigned tag), vlan_, tag)
BALLAST_WITH(ip_options(unsigned words), option_words_, words)
BALLAST_WITH(ipv6_options(), ipv6_options_, true)
BALLAST_WITH(fragment(unsigned offset, bool more), fragment_, (Fragment{offset, more}))
BALLAST_WITH(unsummed(), unsummed_, true)
BALLAST_WITH(ip_header_words(unsigned words), ip_header_words_, words)
BALLAST_WITH(ip_length(unsigned bytes), ip_length_, bytes)
BALLAST_WITH(tcp_header_words(unsigned words), tcp_header_words_, words)
BALLAST_WITH(udp_length(unsigned bytes), udp_length_, bytes)
BALLAST_WITH(in_ipv6_header(), ipv6_header_, true)
#undef BALLAST_WITH

Packet Packet::identification(std::uint16_t number, bool dont_fragment) const {
  auto copy = *this;
  copy.identification_ = number;
  copy.dont_fragment_ = dont_fragment;
  return copy;
}

Packet Packet::via(const net::MacAddress& source, const net::MacAddress& destination) const {
  auto copy = *this;
  copy.source_mac_ = source;
  copy.destination_mac_ = destination;
  return copy;
}

Packet Packet::vlans(unsigned outer, unsigned inner) const {
  auto copy = *this;
  copy.outer_vlan_ = outer;
  copy.vlan_ = inner;
  return copy;
}

Packet Packet::untagged() const {
  auto copy = *this;
  copy.outer_vlan_.reset();
  copy.vlan_.reset();
  return copy;
}

bool Packet::is_tcp() const { return protocol_ == IPPROTO_TCP; }

std::uint64_t Packet::ip_bytes() const {
  return bytes().size() - ethernet_header - (vlan_ ? 4 : 0) - (outer_vlan_ ? 4 : 0);
}

Bytes Packet::layer4() const {
  Bytes out;
  std::size_t check_at = 16;
  if (protocol_ == IPPROTO_ICMP || protocol_ == IPPROTO_ICMPV6) {
    put8(out, is_ipv6() ? 128 : 8);
    put8(out, 0);
    put16(out, 0);
    put32(out, 0x00010001);
    check_at = 2;
  } else if (protocol_ == IPPROTO_TCP) {
    put16(out, source_.port);
    put16(out, destination_.port);
    put32(out, sequence_);
    put32(out, (flags_ & 0x10) != 0 ? acknowledges_ : 0);
    put8(out, tcp_header_words_.value_or(static_cast<unsigned>(5 + options_.size() / 4)) << 4);
    put8(out, flags_);
    put16(out, 64240);
    put32(out, 0);
    put(out, options_);
  } else {
    put16(out, source_.port);
    put16(out, destination_.port);
    put16(out, udp_length_.value_or(static_cast<unsigned>(8 + data_.size())));
    put16(out, 0);
    check_at = 6;
  }
  put(out, data_);
  if (protocol_ == IPPROTO_ICMP) {
    set16(out, check_at, net::checksum_finish(net::checksum_add(out)));
  } else if (!unsummed_) {
    const auto check = sum_layer4(out, source_.address, destination_.address, protocol_);
    set16(out, check_at, check == 0 && protocol_ == IPPROTO_UDP ? 0xffff : check);
  }
  return out;
}

void Packet::append_ethernet(Bytes& out) const {
  put(out, destination_mac_.bytes);
  put(out, source_mac_.bytes);
  if (outer_vlan_) {
    put16(out, ethertype_outer_vlan);
    put16(out, *outer_vlan_);
  }
  if (vlan_) {
    put16(out, ethertype_vlan);
    put16(out, *vlan_);
  }
  put16(out, is_ipv6() ? ethertype_ipv6 : ethertype_ipv4);
}

void Packet::append_ipv4(Bytes& out, std::size_t payload) const {
  const auto start = out.size();
  const auto header = static_cast<unsigned>(ipv4_header) + 4 * option_words_;
  put8(out, 0x40U | ip_header_words_.value_or(header / 4));
  put8(out, traffic_class_);
  put16(out, ip_length_.value_or(static_cast<unsigned>(header + payload)));
  put16(out, identification_);
  put16(out, fragment_ ? fragment_->offset / 8 | (fragment_->more ? 0x2000U : 0U) : dont_fragment_ ? 0x4000U : 0U);
  put8(out, ttl_);
  put8(out, protocol_);
  put16(out, 0);
  put(out, source_.address.bytes());
  put(out, destination_.address.bytes());
  for (unsigned word = 0; word < option_words_; ++word) put32(out, 0x01010101);
  set16(out, start + 10, net::checksum_finish(net::checksum_add(std::span{out}.subspan(start))));
}

void Packet::append_ipv6(Bytes& out, std::size_t payload) const {
  Bytes extensions;
  auto next = protocol_;
  if (fragment_) {
    put8(extensions, next);
    put8(extensions, 0);
    put16(extensions, fragment_->offset | (fragment_->more ? 1U : 0U));
    put32(extensions, fragment_id);
    next = IPPROTO_FRAGMENT;
  }
  if (ipv6_options_) {
    extensions.insert(extensions.begin(), {next, 0, 1, 4, 0, 0, 0, 0});
    next = IPPROTO_DSTOPTS;
  }
  put32(out, 0x60000000U | static_cast<unsigned>(traffic_class_) << 20U);
  put16(out, ip_length_.value_or(static_cast<unsigned>(extensions.size() + payload)));
  put8(out, next);
  put8(out, ttl_);
  put(out, source_.address.is_v6() ? source_.address.bytes() : source_.address.mapped());
  put(out, destination_.address.is_v6() ? destination_.address.bytes() : destination_.address.mapped());
  put(out, extensions);
}

Bytes Packet::bytes() const {
  Bytes out;
  append_ethernet(out);
  auto payload = layer4();
  if (fragment_ && fragment_->offset != 0) payload.assign(payload.size(), 0x5a);
  if (is_ipv6())
    append_ipv6(out, payload.size());
  else
    append_ipv4(out, payload.size());
  put(out, payload);
  return out;
}

Packet tcp(const net::Endpoint& source, const net::Endpoint& destination) { return {IPPROTO_TCP, source, destination}; }
Packet udp(const net::Endpoint& source, const net::Endpoint& destination) { return {IPPROTO_UDP, source, destination}; }
Packet tcp(std::string_view source, std::string_view destination) {
  return tcp(endpoint(source), endpoint(destination));
}
Packet udp(std::string_view source, std::string_view destination) {
  return udp(endpoint(source), endpoint(destination));
}
Packet ping(const net::IpAddress& source, const net::IpAddress& destination) {
  const auto protocol = source.is_v4() ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6};
  return {protocol, {source, 0}, {destination, 0}};
}

Bytes operator+(Bytes left, const Bytes& right) {
  put(left, right);
  return left;
}
Bytes nops(unsigned count) { return Bytes(count, 1); }
Bytes mss(unsigned bytes) {
  Bytes made{2, 4};
  put16(made, bytes);
  return made;
}
Bytes toa(const net::Endpoint& client) {
  Bytes made{254, static_cast<std::uint8_t>(client.address.is_v6() ? 20 : 8)};
  put16(made, client.port);
  put(made, client.address.bytes());
  return made;
}
Bytes timestamps() { return {8, 10, 1, 2, 3, 4, 5, 6, 7, 8}; }
Bytes sack(const std::vector<std::uint32_t>& edges) {
  Bytes made{5, static_cast<std::uint8_t>(2 + 4 * edges.size())};
  for (const auto edge : edges) put32(made, edge);
  return made;
}

net::Endpoint sender(const Bytes& frame) {
  const auto seen = view(frame);
  if (!seen || seen->layer4.size() < 8) throw std::runtime_error("no TCP or UDP in " + describe(frame));
  return {seen->source, get16(seen->layer4, 0)};
}
std::uint16_t identification(const Bytes& frame) { return get16(frame, ethernet_header + 4); }

std::string checksum_fault(const Bytes& frame) {
  const auto seen = view(frame);
  if (!seen) return "no whole IP packet";
  if (seen->ethertype == ethertype_ipv4) {
    const auto header = seen->ip.first(seen->ip.size() - seen->layer4.size());
    if (net::checksum_finish(net::checksum_add(header)) != 0) return "IPv4 header checksum";
  }
  if (seen->is_later_fragment) return "";
  if (seen->protocol == IPPROTO_UDP && seen->layer4.size() >= 8 && get16(seen->layer4, 6) == 0) {
    return "";  // over IPv6 tunnels alone may have none (RFC 6936)
  }
  if (seen->protocol == IPPROTO_ICMP) {
    return net::checksum_finish(net::checksum_add(seen->layer4)) == 0 ? "" : "ICMP checksum";
  }
  if (seen->protocol != IPPROTO_TCP && seen->protocol != IPPROTO_UDP && seen->protocol != IPPROTO_ICMPV6) return "";
  if (sum_layer4(seen->layer4, seen->source, seen->destination, seen->protocol) != 0) return "layer 4 checksum";
  return "";
}

std::string describe(const Bytes& frame) {
  const auto seen = view(frame);
  if (!seen) return fmt::format("{} bytes: {:02x}", frame.size(), fmt::join(frame, " "));
  const auto l4 = seen->layer4;
  const auto port = [&](std::size_t at) { return l4.size() >= 8 ? get16(l4, at) : std::uint16_t{0}; };
  const bool is_tcp = seen->protocol == IPPROTO_TCP && l4.size() >= 20;
  const auto fault = checksum_fault(frame);
  return fmt::format("{:02x} > {:02x}, {} > {}, ttl {}, {}, {} bytes, {}",
                     fmt::join(frame.begin() + 6, frame.begin() + 12, ":"),
                     fmt::join(frame.begin(), frame.begin() + 6, ":"), net::Endpoint{seen->source, port(0)},
                     net::Endpoint{seen->destination, port(2)}, seen->ip[seen->ethertype == ethertype_ipv4 ? 8 : 7],
                     is_tcp ? flag_names(l4[13]) : fmt::format("protocol {}", seen->protocol), seen->ip.size(),
                     fault.empty() ? "checksums right" : "WRONG " + fault);
}

}  // namespace ballast::packet
