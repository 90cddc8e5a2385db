#pragma once
// Devices that stand on another one: frames leave by the one below, which XDP can send through. Pure.
#include <array>
#include <map>

#include "common/netlink/types.hpp"

namespace ballast::forwardd::xdp {

/// Where frames for a device really leave.
struct Exit {
  std::uint32_t ifindex = 0;
  std::array<std::uint16_t, 2> vlan{};  ///< tags that they get, outer first; 0: none
  bool operator==(const Exit&) const = default;
};
/// Below a VLAN device or macvlan, through at most two tags; the device itself where it stands on none of this
/// machine's, or on too many.
Exit exit_of(int link, const std::map<int, netlink::Link>& links);
/// Of every device that stands on another.
std::map<std::uint32_t, Exit> exits_of(const std::map<int, netlink::Link>& links);

}  // namespace ballast::forwardd::xdp
