#pragma once
// The kernel settings of DR and TUN: what each must be, and what is good enough. Pure.
#include "tools/realserver/model.hpp"

namespace ballast::realserver {

struct Requirement {
  std::string name;
  int value = 0;  ///< what is written where what is there is not enough
  bool met = false;
  int now = 0;
};

/// What `wanted` asks of the kernel, as far as the kernel has the setting.
///
/// - arp_ignore 1: ARP for an address is answered only on the interface that has it, so not for a VIP on lo.
/// - arp_announce 2: a VIP is never the sender in an ARP request of ours.
/// - rp_filter not strict: a client's packet arrives by the load balancers' interface, the route to the client may not.
///
/// IPv6 needs none: the kernel answers neighbour solicitations (RFC 4861, 7.2.3) only on an interface that has the
/// address.
std::vector<Requirement> requirements(const Wanted& wanted, const std::map<std::string, int>& settings);

/// The names of all settings that `requirements` may look at.
std::vector<std::string> setting_names(const Wanted& wanted);

}  // namespace ballast::realserver
