#include "common/netlink/route_reconciler.hpp"

#include <algorithm>

namespace ballast::netlink {
namespace {

template <class Entry, class Fits>
EntryChanges<Entry> reconcile(const std::vector<Entry>& desired, const std::vector<Entry>& actual,
                              const std::vector<Entry>& owned, Fits fits) {
  EntryChanges<Entry> changes;
  std::vector<bool> there(desired.size());
  for (const auto& entry : actual) {
    bool wanted = false;
    for (std::size_t i = 0; i < desired.size(); ++i) {
      if (!fits(entry, desired[i])) continue;
      there[i] = true;
      wanted = true;
    }
    const auto same = [&](const Entry& other) { return fits(entry, other); };
    const bool ours = entry.protocol == ballast_route_protocol || std::ranges::any_of(owned, same);
    if (ours && !wanted) changes.remove.push_back(entry);
  }
  for (std::size_t i = 0; i < desired.size(); ++i) {
    const bool twice = std::ranges::find(changes.add, desired[i]) != changes.add.end();
    if (!there[i] && !twice) changes.add.push_back(desired[i]);
  }
  return changes;
}

bool same_hop(const NextHop& actual, NextHop desired) {
  if (desired.link == 0) desired.link = actual.link;
  return actual == desired;
}

}  // namespace

bool satisfies(const RouteEntry& actual, const RouteEntry& desired) {
  auto wanted = canonical(desired);
  if (!std::ranges::is_permutation(actual.hops, wanted.hops, same_hop)) return false;
  wanted.hops = actual.hops;
  return actual == wanted;
}

RouteChanges reconcile_routes(const std::vector<RouteEntry>& desired, const std::vector<RouteEntry>& actual,
                              const std::vector<RouteEntry>& owned) {
  return reconcile(desired, actual, owned, satisfies);
}

RuleChanges reconcile_rules(const std::vector<RuleEntry>& desired, const std::vector<RuleEntry>& actual,
                            const std::vector<RuleEntry>& owned) {
  return reconcile(desired, actual, owned,
                   [](const RuleEntry& there, const RuleEntry& wanted) { return there == wanted; });
}

}  // namespace ballast::netlink
