#include "daemons/forwardd/xdp/filters.hpp"

#include <cstring>
#include <type_traits>

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
  static_assert(std::has_unique_object_representations_v<layout::filters>);
  std::array<std::uint8_t, sizeof(layout::filters)> bits{};
  std::array<std::uint8_t, sizeof(layout::filters)> more{};
  std::memcpy(bits.data(), &left, bits.size());
  std::memcpy(more.data(), &right, more.size());
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint8_t>(bits[i] | more[i]);
  layout::filters both;
  std::memcpy(&both, bits.data(), bits.size());
  return both;
}

}  // namespace ballast::forwardd::xdp
