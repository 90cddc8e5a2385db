#include "daemons/vrrpd/protocol/address_check.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

namespace ballast::vrrpd {

bool same_addresses(const Decoded& advertisement, net::Family family, std::span<const net::IpAddress> own) {
  using List = boost::container::small_vector<net::IpAddress, 16>;
  List ours;
  std::ranges::copy_if(own, std::back_inserter(ours), [&](const auto& address) { return address.family() == family; });
  if (ours.size() != advertisement.address_count) return false;
  const std::size_t length = family == net::Family::ipv4 ? 4 : 16;
  List theirs;
  for (std::size_t at = 0; at + length <= advertisement.addresses.size(); at += length) {
    const auto address = net::IpAddress::from_bytes(advertisement.addresses.subspan(at, length));
    if (!address) return false;
    theirs.push_back(*address);
  }
  if (ours == theirs) return true;
  std::ranges::sort(ours);
  std::ranges::sort(theirs);
  return ours == theirs;
}

}  // namespace ballast::vrrpd
