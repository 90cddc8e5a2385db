#include "daemons/vrrpd/shell/address_keeper.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <array>

#include "common/netlink/address_reconciler.hpp"
#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

std::uint8_t scope_of(const config::VirtualAddress& address) {
  // The kernel derives an IPv6 address's scope from the address itself.
  if (address.prefix.address.is_v6()) return address.prefix.address.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  if (address.scope == "site") return RT_SCOPE_SITE;
  if (address.scope == "link") return RT_SCOPE_LINK;
  if (address.scope == "host") return RT_SCOPE_HOST;
  if (address.scope == "nowhere") return RT_SCOPE_NOWHERE;
  return RT_SCOPE_UNIVERSE;
}

}  // namespace

std::vector<config::VirtualAddress> all_addresses(const config::VrrpInstance& instance) {
  auto all = instance.virtual_addresses;
  all.insert(all.end(), instance.virtual_addresses_excluded.begin(), instance.virtual_addresses_excluded.end());
  return all;
}

netlink::Address to_kernel(const config::VirtualAddress& address, int link) {
  netlink::Address result;
  result.link = link;
  result.prefix = address.prefix;
  result.scope = scope_of(address);
  result.label = address.label;
  result.broadcast = address.broadcast;
  result.protocol = netlink::ballast_address_protocol;
  // A health check from the VIP would be answered to whichever load balancer has it, or to a DR server itself. IPv4
  // prefers the address that was there first; IPv6 would take the newest.
  if (address.prefix.address.is_v6()) result.flags = IFA_F_DEPRECATED;
  return result;
}

void AddressKeeper::know(const std::vector<config::VirtualAddress>& addresses) {
  for (const auto& address : addresses) known_.emplace(address.interface, address.prefix);
}

std::vector<std::string> AddressKeeper::put(const std::vector<config::VirtualAddress>& addresses) {
  std::vector<netlink::Address> desired;
  std::vector<netlink::Address> actual;
  for (const auto& address : addresses) {
    const auto* link = host_.link(address.interface);
    if (link == nullptr) continue;
    desired.push_back(to_kernel(address, link->index));
    wanted_.emplace(link->index, address.prefix);
    const auto found = host_.addresses().find({link->index, address.prefix});
    if (found != host_.addresses().end()) actual.push_back(found->second);
  }
  const auto changes = netlink::reconcile_addresses(desired, actual);
  for (const auto& address : changes.remove) {
    if (const auto done = host_.remove(address); !done) log::error("{}", done.error().message);
  }
  std::vector<std::string> added;
  for (const auto& address : changes.add) {
    if (const auto done = host_.add(address); !done)
      log::error("{}", done.error().message);
    else
      added.push_back(address.prefix.to_string());
  }
  return added;
}

void AddressKeeper::take(const std::vector<config::VirtualAddress>& addresses) {
  for (const auto& address : addresses) {
    const auto* link = host_.link(address.interface);
    if (link == nullptr) continue;
    wanted_.erase({link->index, address.prefix});
    const auto found = host_.addresses().find({link->index, address.prefix});
    if (found == host_.addresses().end() || found->second.protocol != netlink::ballast_address_protocol) continue;
    if (const auto done = host_.remove(netlink::Address{found->second}); !done) log::error("{}", done.error().message);
  }
}

void AddressKeeper::sweep() {
  std::vector<netlink::Address> leftovers;
  for (const auto& [interface, prefix] : known_) {
    const auto* link = host_.link(interface);
    if (link == nullptr) continue;
    const auto found = host_.addresses().find({link->index, prefix});
    if (found == host_.addresses().end() || wants(found->second)) continue;
    if (found->second.protocol == netlink::ballast_address_protocol) leftovers.push_back(found->second);
  }
  for (const auto& address : leftovers) {
    if (const auto done = host_.remove(address); !done) log::error("{}", done.error().message);
  }
}

bool AddressKeeper::wants(const netlink::Address& address) const {
  return wanted_.contains({address.link, address.prefix});
}

}  // namespace ballast::vrrpd
