#include "common/net/checksum.hpp"

namespace ballast::net {

std::uint32_t checksum_add(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  std::uint64_t total = sum;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) total += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (i < bytes.size()) total += static_cast<std::uint32_t>(bytes[i] << 8);
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}

std::uint16_t checksum_finish(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::uint32_t length) {
  std::uint32_t sum = checksum_add(source.bytes());
  sum = checksum_add(destination.bytes(), sum);
  sum += protocol + (length >> 16) + (length & 0xffff);
  return checksum_add({}, sum);
}

}  // namespace ballast::net
