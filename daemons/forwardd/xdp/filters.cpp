#include "daemons/forwardd/xdp/filters.hpp"

#include <cstring>

namespace ballast::forwardd::xdp {

std::uint32_t filter_bit(const net::IpAddress& address) {
  std::array<std::uint32_t, 4> words{};
  std::memcpy(words.data(), address.mapped().data(), sizeof words);
  return layout::address_hash(words.data());
}

bool same(const layout::filters& left, const layout::filters& right) {
  return std::memcmp(&left, &right, sizeof left) == 0;
}

layout::filters united(const layout::filters& left, const layout::filters& right) {
  layout::filters both = left;
  for (std::size_t i = 0; i < sizeof both.destination; ++i)
    both.destination[i] = static_cast<__u8>(both.destination[i] | right.destination[i]);
  for (std::size_t i = 0; i < sizeof both.source; ++i)
    both.source[i] = static_cast<__u8>(both.source[i] | right.source[i]);
  return both;
}

}  // namespace ballast::forwardd::xdp
