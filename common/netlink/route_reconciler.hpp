#pragma once
#include <vector>

#include "common/netlink/route_entry.hpp"

namespace ballast::netlink {

/// What makes the actual routes (or rules) the desired ones: first remove, then add, each in order.
template <class Entry>
struct EntryChanges {
  std::vector<Entry> remove;
  std::vector<Entry> add;
  [[nodiscard]] bool empty() const { return remove.empty() && add.empty(); }
  bool operator==(const EntryChanges&) const = default;
};
using RouteChanges = EntryChanges<RouteEntry>;
using RuleChanges = EntryChanges<RuleEntry>;

/// The smallest difference, by all that an entry says. Removed are only entries with `ballast_route_protocol` and
/// those in `owned`: what Ballast added under another protocol's number. Pure.
RouteChanges reconcile_routes(const std::vector<RouteEntry>& desired, const std::vector<RouteEntry>& actual,
                              const std::vector<RouteEntry>& owned = {});
RuleChanges reconcile_rules(const std::vector<RuleEntry>& desired, const std::vector<RuleEntry>& actual,
                            const std::vector<RuleEntry>& owned = {});

/// Whether the route that the kernel has does what was asked. A next hop without an interface was asked for by its
/// gateway alone.
bool satisfies(const RouteEntry& actual, const RouteEntry& desired);

}  // namespace ballast::netlink
