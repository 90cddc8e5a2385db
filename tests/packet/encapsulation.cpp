#include "tests/packet/encapsulation.hpp"

#include <netinet/in.h>

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

bool is_v6_inside(const Packet& inner) { return inner.source().address.is_v6(); }

}  // namespace

Bytes ip_bytes(const Packet& packet) {
  const auto frame = packet.bytes();
  return {frame.begin() + ethernet_header, frame.end()};
}

Tunnel::Tunnel(Wrapping wrapping, std::string_view source, std::string_view destination)
    : wrapping_{wrapping}, source_{address(source)}, destination_{address(destination)} {}

#define BALLAST_WITH(signature, assignment) \
  Tunnel Tunnel::signature const {          \
    auto copy = *this;                      \
    copy.assignment;                        \
    return copy;                            \
  }
BALLAST_WITH(ecn(unsigned value), ecn_ = value)
BALLAST_WITH(tags(unsigned count), tags_ = count)
BALLAST_WITH(to(const net::MacAddress& mac), mac_ = mac)
BALLAST_WITH(port(unsigned value), port_ = value)
BALLAST_WITH(options(), options_ = true)
BALLAST_WITH(longer_by(int bytes), lie_ = bytes)
BALLAST_WITH(udp_longer_by(int bytes), udp_lie_ = bytes)
BALLAST_WITH(trailer(std::size_t bytes), trailer_ = bytes)
BALLAST_WITH(padding(std::size_t bytes), padding_ = bytes)
#undef BALLAST_WITH

Tunnel Tunnel::fragment(unsigned offset, bool more) const {
  auto copy = *this;
  copy.is_fragment_ = true;
  copy.offset_ = offset;
  copy.more_ = more;
  return copy;
}

Tunnel Tunnel::gue_bytes(std::uint8_t first, std::uint8_t protocol, std::uint16_t flags) const {
  auto copy = *this;
  copy.gue_ = Bytes{first, protocol};
  put16(*copy.gue_, flags);
  copy.gue_->insert(copy.gue_->end(), (first & 0x1fU) * 4U, 0xee);
  return copy;
}

Tunnel Tunnel::gre_words(std::uint16_t flags, std::uint16_t protocol) const {
  auto copy = *this;
  copy.gre_.emplace();
  put16(*copy.gre_, flags);
  put16(*copy.gre_, protocol);
  return copy;
}

Bytes Tunnel::link(bool is_ipv6) const {
  Bytes out;
  put(out, mac_.bytes);
  put(out, client_mac.bytes);
  if (tags_ == 2) put32(out, 0x88a80064);
  if (tags_ >= 1) put32(out, 0x81000007);
  put16(out, is_ipv6 ? 0x86dd : 0x0800);
  return out;
}

Bytes Tunnel::shim(bool inner_is_v6, std::size_t length) const {
  Bytes out;
  const bool is_gre = wrapping_ == Wrapping::gre || wrapping_ == Wrapping::gre_all_fields;
  if (is_gre) {
    const bool all = wrapping_ == Wrapping::gre_all_fields;
    if (gre_) return *gre_;
    put16(out, all ? 0xb000 : 0);
    put16(out, inner_is_v6 ? 0x86dd : 0x0800);
    if (all) put(out, Bytes(12, 0xaa));
  } else if (wrapping_ != Wrapping::ip) {
    Bytes header;
    if (wrapping_ == Wrapping::gue) {
      header = gue_.value_or(Bytes{0, static_cast<std::uint8_t>(inner_is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP), 0, 0});
    }
    put16(out, 49152);
    put16(out, port_);
    put16(out, 8 + header.size() + length + static_cast<std::size_t>(udp_lie_));
    put16(out, 0);
    put(out, header);
  }
  return out;
}

std::uint8_t Tunnel::protocol(bool inner_is_v6) const {
  switch (wrapping_) {
    case Wrapping::ip:
      return inner_is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
    case Wrapping::gre:
    case Wrapping::gre_all_fields:
      return IPPROTO_GRE;
    default:
      return IPPROTO_UDP;
  }
}

Bytes Tunnel::outer_ipv4(std::uint8_t protocol, std::size_t length) const {
  Bytes out;
  const std::size_t header = options_ ? 32 : 20;
  out.push_back(static_cast<std::uint8_t>(0x40 | header / 4));
  out.push_back(static_cast<std::uint8_t>(ecn_));
  put16(out, header + length + static_cast<std::size_t>(lie_));
  put16(out, 7);
  put16(out, offset_ / 8 | (more_ ? 0x2000U : 0U));
  out.push_back(64);
  out.push_back(protocol);
  put16(out, 0);
  put(out, source_.bytes());
  put(out, destination_.bytes());
  if (options_) put(out, Bytes(12, 1));
  const auto sum = net::checksum_finish(net::checksum_add(out));
  out[10] = static_cast<std::uint8_t>(sum >> 8);
  out[11] = static_cast<std::uint8_t>(sum);
  return out;
}

Bytes Tunnel::outer_ipv6(std::uint8_t protocol, std::size_t length) const {
  Bytes extensions;
  auto next = protocol;
  if (is_fragment_) {
    extensions = {next, 0};
    put16(extensions, offset_ | (more_ ? 1U : 0U));
    put32(extensions, 7);
    next = IPPROTO_FRAGMENT;
  }
  if (options_) {
    Bytes both{IPPROTO_DSTOPTS, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, next, 0, 4, 1, 4, 1, 1, 0};
    extensions.insert(extensions.begin(), both.begin(), both.end());
    next = IPPROTO_HOPOPTS;
  }
  Bytes out;
  put32(out, 0x60000000 | ecn_ << 20);
  put16(out, extensions.size() + length + static_cast<std::size_t>(lie_));
  out.push_back(next);
  out.push_back(64);
  put(out, source_.bytes());
  put(out, destination_.bytes());
  put(out, extensions);
  return out;
}

Bytes Tunnel::outer(std::uint8_t protocol, std::size_t length) const {
  return is_v6() ? outer_ipv6(protocol, length) : outer_ipv4(protocol, length);
}

Bytes Tunnel::wrap(const Packet& inner) const {
  const bool v6 = is_v6_inside(inner);
  auto content = ip_bytes(inner);
  content.insert(content.end(), trailer_, 0xcc);
  const auto between = shim(v6, content.size());
  auto frame = link(is_v6());
  put(frame, outer(protocol(v6), between.size() + content.size()));
  put(frame, between);
  put(frame, content);
  frame.insert(frame.end(), padding_, 0);
  return frame;
}

Bytes Tunnel::unwrapped(const Packet& inner) const {
  auto frame = link(is_v6_inside(inner));
  put(frame, ip_bytes(inner));
  frame.insert(frame.end(), trailer_, 0xcc);
  frame.insert(frame.end(), padding_, 0);
  return frame;
}

std::size_t Tunnel::overhead(const Packet& inner) const {
  return wrap(inner).size() - ip_bytes(inner).size() - trailer_ - padding_;
}

std::string Tunnel::name() const {
  constexpr const char* names[] = {"IP in", "GRE over", "GRE with all fields over", "GUE over", "GUE variant 1 over"};
  return fmt::format("{} {}{}, {} tags", names[static_cast<std::size_t>(wrapping_)], is_v6() ? "IPv6" : "IPv4",
                     options_ ? " with options" : "", tags_);
}

}  // namespace ballast::packet
