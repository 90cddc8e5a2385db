#pragma once
#include <vector>

#include "common/netlink/types.hpp"

namespace ballast::netlink {

/// What makes the actual addresses the desired ones: first remove, then add, each in order.
struct AddressChanges {
  std::vector<Address> remove;
  std::vector<Address> add;
  [[nodiscard]] bool empty() const { return remove.empty() && add.empty(); }
  bool operator==(const AddressChanges&) const = default;
};

/// The smallest difference. An address is one by link, address and prefix length; one that is there but has another
/// scope, label or broadcast is removed and added again if it is ours, and left as it is if it is not. Removed are only
/// those that carry `ballast_address_protocol` or are in `owned` (kernels before 5.18 keep no mark). Pure.
AddressChanges reconcile_addresses(const std::vector<Address>& desired, const std::vector<Address>& actual,
                                   const std::vector<Address>& owned = {});

}  // namespace ballast::netlink
