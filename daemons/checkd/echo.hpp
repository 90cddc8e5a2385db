#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::checkd {

/// An ICMP echo (RFC 792, RFC 4443 section 4).
struct Echo {
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  std::vector<std::uint8_t> data{};
  bool operator==(const Echo&) const = default;
};

/// The request's bytes from the ICMP header on. Over IPv6 the kernel fills in the checksum.
std::vector<std::uint8_t> encode_echo_request(net::Family family, const Echo& echo);

/// The reply in what was received: from the IPv4 header on (`with_ip_header`: raw sockets of IPv4), else from the ICMP
/// header on. None: it is something else, or does not end as it should.
std::optional<Echo> parse_echo_reply(net::Family family, std::span<const std::uint8_t> bytes, bool with_ip_header);

}  // namespace ballast::checkd
