#include "daemons/checkd/echo.hpp"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <algorithm>

#include "common/net/checksum.hpp"

namespace ballast::checkd {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t ip_header_size = 20;

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void write16(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

}  // namespace

std::vector<std::uint8_t> encode_echo_request(net::Family family, const Echo& echo) {
  std::vector<std::uint8_t> bytes(header_size + echo.data.size());
  bytes[0] = family == net::Family::ipv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  write16(bytes, 4, echo.id);
  write16(bytes, 6, echo.sequence);
  std::ranges::copy(echo.data, bytes.begin() + header_size);
  if (family == net::Family::ipv4) write16(bytes, 2, net::checksum_finish(net::checksum_add(bytes)));
  return bytes;
}

std::optional<Echo> parse_echo_reply(net::Family family, std::span<const std::uint8_t> bytes, bool with_ip_header) {
  if (with_ip_header) {
    if (bytes.size() < ip_header_size || bytes[0] >> 4 != 4) return std::nullopt;
    const auto length = static_cast<std::size_t>(bytes[0] & 0xf) * 4;
    if (length < ip_header_size || length > bytes.size()) return std::nullopt;
    bytes = bytes.subspan(length);
  }
  const std::uint8_t wanted = family == net::Family::ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
  if (bytes.size() < header_size || bytes[0] != wanted || bytes[1] != 0) return std::nullopt;
  return Echo{read16(bytes, 4), read16(bytes, 6), {bytes.begin() + header_size, bytes.end()}};
}

}  // namespace ballast::checkd
