#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

/// What one member's change means for the others, so that a group's members change together:
/// a fault of one is a fault of all until none has one; a MASTER that yields takes the others along; the group becomes
/// MASTER when every member's master is gone (so a single cut network does not tear a group in two).
/// `before` is the changed member's role before the event. Orders go to members by their index.
std::vector<std::pair<std::size_t, GroupOrder>> consequences(const std::string& group,
                                                             std::span<const Instance* const> members,
                                                             std::size_t changed, Role before);

}  // namespace ballast::vrrpd
