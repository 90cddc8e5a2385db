#include "daemons/forwardd/xdp/exit.hpp"

namespace ballast::forwardd::xdp {
namespace {

constexpr int most_devices = 8;  // a loop that no kernel makes

bool stands_on_another(const netlink::Link& link) {
  return (link.kind == "vlan" || link.kind == "macvlan") && link.peer_index != 0 && !link.peer_elsewhere;
}

}  // namespace

Exit exit_of(int link, const std::map<int, netlink::Link>& links) {
  const Exit itself{.ifindex = static_cast<std::uint32_t>(link)};
  Exit exit;
  for (int depth = 0; depth < most_devices; ++depth) {
    const auto device = links.find(link);
    if (device == links.end()) return itself;
    if (!stands_on_another(device->second)) {
      exit.ifindex = static_cast<std::uint32_t>(link);
      return exit;
    }
    if (device->second.vlan != 0) {
      if (exit.vlan[1] != 0) return itself;
      exit.vlan = {device->second.vlan, exit.vlan[0]};
    }
    link = device->second.peer_index;
  }
  return itself;
}

std::map<std::uint32_t, Exit> exits_of(const std::map<int, netlink::Link>& links) {
  std::map<std::uint32_t, Exit> exits;
  for (const auto& [index, link] : links) {
    const auto exit = exit_of(index, links);
    if (exit.ifindex != static_cast<std::uint32_t>(index)) exits[static_cast<std::uint32_t>(index)] = exit;
  }
  return exits;
}

}  // namespace ballast::forwardd::xdp
