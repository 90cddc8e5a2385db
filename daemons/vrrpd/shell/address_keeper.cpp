#include "daemons/vrrpd/shell/address_keeper.hpp"

#include "common/netlink/address_reconciler.hpp"
#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/kernel_entries.hpp"

namespace ballast::vrrpd {
std::vector<config::VirtualAddress> all_addresses(const config::VrrpInstance& instance) {
  auto all = instance.virtual_addresses;
  all.insert(all.end(), instance.virtual_addresses_excluded.begin(), instance.virtual_addresses_excluded.end());
  return all;
}

std::vector<config::VirtualAddress> tracked_addresses(const config::VrrpInstance& instance) {
  auto all = all_addresses(instance);
  std::erase_if(all, [](const auto& address) { return !address.options.track; });
  return all;
}

netlink::Address to_kernel(const config::VirtualAddress& address, int link) {
  // A health check from the VIP would be answered to whichever load balancer has it, or to a DR server itself. IPv4
  // prefers the address that was there first; IPv6 would take the newest.
  return to_kernel(address, link, true);
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
