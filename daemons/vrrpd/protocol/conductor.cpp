#include "daemons/vrrpd/protocol/conductor.hpp"

#include <algorithm>
#include <map>

#include "daemons/vrrpd/protocol/sync_group.hpp"

namespace ballast::vrrpd {
namespace {

bool may_concern_group(const Event& event, Role before, const Instance& core) {
  if (before != core.role()) return true;
  const auto* expired = std::get_if<Expired>(&event);
  if (expired != nullptr) return expired->timer == Timer::master_down;
  return !std::holds_alternative<Received>(event) && !std::holds_alternative<HeartbeatHeard>(event);
}

std::optional<std::string> continues(const Beginner& beginner) {
  const auto& heritage = beginner.heritage;
  if (!heritage || heritage->role != Role::master) return std::nullopt;
  const auto& core = beginner.member->core;
  if (core.own_fault()) return std::nullopt;
  // Where nobody is preempted, another's takeover that may have been counts.
  const auto limit = core.settings().preempt ? core.down_interval() : core.lapse_limit();
  if (heritage->silence < Duration{} || heritage->silence >= limit) return std::nullopt;
  return fmt::format("goes on after a restart: it was MASTER {} ago", describe(heritage->silence));
}

}  // namespace

Role role_of(const Group& group) {
  const auto any = [&](Role role) {
    return std::ranges::any_of(group.members, [=](const Member* member) { return member->core.role() == role; });
  };
  if (any(Role::fault)) return Role::fault;
  if (group.members.empty() || any(Role::init)) return Role::init;
  return any(Role::backup) ? Role::backup : Role::master;
}

void Conductor::dispatch(Member& member, const Event& event) {
  const auto before = member.core.role();
  for (const auto& action : member.core.on(event, now())) perform(member, action);
  if (member.group != nullptr && may_concern_group(event, before, member.core)) settle(member, before);
  settled(member);
}

void Conductor::expire(Member& member, Timer timer, std::uint64_t generation) {
  const bool late = timer == Timer::advertisement && now() - member.core.due(timer) > member.core.lapse_limit();
  if (timer == Timer::master_down || late) drain(member);
  dispatch(member, Expired{timer, generation});
}

void Conductor::settle(Group& group) {
  if (!group.members.empty()) settle(*group.members.front(), group.members.front()->core.role());
}

void Conductor::settle(Member& member, Role before) {
  const auto& group = *member.group;
  std::vector<const Instance*> members;
  std::size_t changed = 0;
  for (const auto* each : group.members) {
    if (each == &member) changed = members.size();
    members.push_back(&each->core);
  }
  for (const auto& [index, order] : consequences(group.name, members, changed, before)) {
    dispatch(*group.members[index], order);
  }
}

void Conductor::start(const std::vector<Beginner>& beginners, Duration delay) {
  std::map<const Member*, std::string> continuing;
  for (const auto& beginner : beginners) {
    if (auto reason = continues(beginner)) continuing.emplace(beginner.member, std::move(*reason));
  }
  std::erase_if(continuing, [&](const auto& entry) {
    const auto* group = entry.first->group;
    return group != nullptr &&
           !std::ranges::all_of(group->members, [&](const Member* member) { return continuing.contains(member); });
  });
  for (const auto& beginner : beginners) {
    const auto found = continuing.find(beginner.member);
    dispatch(*beginner.member, found == continuing.end() ? Start{{}, delay} : Start{found->second, {}});
  }
}

void Conductor::stop(const std::vector<Member*>& members, const std::string& reason) {
  for (auto* member : members) {
    if (member->group != nullptr) std::erase(member->group->members, member);
    member->group = nullptr;
    dispatch(*member, Stop{reason, true});
  }
}

}  // namespace ballast::vrrpd
