#include "daemons/vrrpd/protocol/sync_group.hpp"

#include <algorithm>

namespace ballast::vrrpd {
namespace {

using Orders = std::vector<std::pair<std::size_t, GroupOrder>>;

Orders spread_faults(const std::string& group, std::span<const Instance* const> members) {
  Orders orders;
  const auto started = [](const Instance* member) { return member->role() != Role::init; };
  const auto faulty = [&](const Instance* member) { return started(member) && member->own_fault().has_value(); };
  const auto culprit = std::ranges::find_if(members, faulty);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool hold = std::ranges::any_of(members, [&](auto* other) { return other != members[i] && faulty(other); });
    if (hold == members[i]->held_by_group() || !started(members[i])) continue;
    if (hold) {
      const auto* other = *culprit != members[i] ? *culprit : *std::find_if(culprit + 1, members.end(), faulty);
      orders.emplace_back(
          i, GroupOrder{GroupCommand::fault, fmt::format("{} of group {} is in FAULT: {}", other->settings().name,
                                                         group, *other->own_fault())});
    } else {
      orders.emplace_back(i,
                          GroupOrder{GroupCommand::release, fmt::format("no member of group {} is in FAULT", group)});
    }
  }
  return orders;
}

}  // namespace

std::vector<std::pair<std::size_t, GroupOrder>> consequences(const std::string& group,
                                                             std::span<const Instance* const> members,
                                                             std::size_t changed, Role before) {
  Orders orders = spread_faults(group, members);
  if (!orders.empty()) return orders;
  const auto& cause = *members[changed];
  const auto order_all = [&](Role role, GroupCommand command, const std::string& reason) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != changed && members[i]->role() == role) orders.emplace_back(i, GroupOrder{command, reason});
    }
  };
  if (before == Role::master && cause.role() == Role::backup) {
    order_all(Role::master, GroupCommand::backup,
              fmt::format("{} of group {} yielded: {}", cause.settings().name, group, cause.reason()));
    return orders;
  }
  const bool all_want = std::ranges::all_of(members, [](const Instance* member) {
    return member->role() == Role::master || member->wants_master().has_value();
  });
  if (!all_want) return orders;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (const auto& reason = members[i]->wants_master())
      orders.emplace_back(i, GroupOrder{GroupCommand::master, *reason});
  }
  return orders;
}

}  // namespace ballast::vrrpd
