#include "common/netlink/address_reconciler.hpp"

#include <algorithm>

namespace ballast::netlink {
namespace {

bool same_object(const Address& left, const Address& right) {
  return left.link == right.link && left.prefix == right.prefix;
}

const Address* find(const std::vector<Address>& addresses, const Address& wanted) {
  const auto found = std::ranges::find_if(addresses, [&](const Address& other) { return same_object(other, wanted); });
  return found == addresses.end() ? nullptr : &*found;
}

bool is_ours(const Address& address, const std::vector<Address>& owned) {
  return address.protocol == ballast_address_protocol || find(owned, address) != nullptr;
}

/// Whether what the kernel has does what was asked. What was not asked (the label it gives by default) does not count.
bool satisfies(const Address& actual, const Address& desired) {
  if (actual.scope != desired.scope || actual.peer != desired.peer) return false;
  if (actual.prefix.address.is_v6()) return true;
  return (desired.label.empty() || actual.label == desired.label) &&
         (!desired.broadcast || actual.broadcast == desired.broadcast);
}

}  // namespace

AddressChanges reconcile_addresses(const std::vector<Address>& desired, const std::vector<Address>& actual,
                                   const std::vector<Address>& owned) {
  AddressChanges changes;
  for (const auto& address : actual) {
    if (!is_ours(address, owned)) continue;
    const auto* wanted = find(desired, address);
    if (wanted == nullptr || !satisfies(address, *wanted)) changes.remove.push_back(address);
  }
  for (const auto& address : desired) {
    if (find(changes.add, address) != nullptr) continue;
    if (find(actual, address) == nullptr || find(changes.remove, address) != nullptr) changes.add.push_back(address);
  }
  return changes;
}

}  // namespace ballast::netlink
