#include "common/bus/access.hpp"

#include <algorithm>
#include <array>

namespace ballast::bus {
namespace {

struct Owner {
  std::string_view role;
  std::string_view prefix;
};
constexpr std::array<Owner, 10> owners{{{"vrrpd", "vrrp/"},
                                        {"vrrpd", "vrrp-group/"},
                                        {"checkd", "health/"},
                                        {"checkd", "source/"},
                                        {"scriptd", "script/"},
                                        {"forwardd", "service/"},
                                        {"forwardd", "traffic/"},
                                        {"ballastd", "admin/"},
                                        {"ballastd", "hold/"},
                                        {"ballastd", "change/"}}};
constexpr std::array<std::string_view, 3> unprivileged_daemons{"checkd", "statusd", "ctl"};
constexpr std::size_t longest_role = 32;
constexpr std::size_t longest_topic = 1024;

bool is_root(const Accounts& accounts, const Peer& peer) { return peer.uid == 0 || peer.uid == accounts.owner; }

bool in_group(const Peer& peer, const std::optional<gid_t>& group) {
  return group && std::ranges::find(peer.groups, *group) != peer.groups.end();
}

bool is_word(std::string_view role) {
  return !role.empty() && role.size() <= longest_role &&
         std::ranges::all_of(role, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

bool may_change(const Accounts& accounts, const Peer& peer) {
  return is_root(accounts, peer) || in_group(peer, accounts.admins);
}

bool may_read(const Accounts& accounts, const Peer& peer) {
  return may_change(accounts, peer) || peer.uid == accounts.daemons || in_group(peer, accounts.readers);
}

bool is_daemon(std::string_view role) {
  return role == "vrrpd" || role == "checkd" || role == "forwardd" || role == "scriptd";
}

Result<> may_be(const Accounts& accounts, const Peer& peer, const std::string& role) {
  if (!is_word(role)) return fail("a role is a word of small letters");
  if (role == "ballastd") return fail("ballastd is at this end of the socket");
  if (!may_read(accounts, peer)) return fail("user {} is neither root nor in the group ballast", peer.user);
  if (!is_daemon(role) || is_root(accounts, peer)) return {};
  const bool allowed =
      peer.uid == accounts.daemons && std::ranges::find(unprivileged_daemons, role) != unprivileged_daemons.end();
  if (!allowed) return fail("user {} may not be {}", peer.user, role);
  return {};
}

std::vector<std::string> prefixes_of(std::string_view role) {
  std::vector<std::string> result;
  for (const auto& owner : owners) {
    if (owner.role == role) result.emplace_back(owner.prefix);
  }
  return result;
}

Result<> may_publish(std::string_view role, std::string_view topic) {
  if (topic.size() > longest_topic)
    return fail("a topic of {} bytes, and {} is the limit", topic.size(), longest_topic);
  if (topic.starts_with("node/")) {
    if (topic.substr(5) == role && is_daemon(role)) return {};
    return fail("{} may not publish {}", role, topic);
  }
  for (const auto& owner : owners) {
    if (!topic.starts_with(owner.prefix)) continue;
    if (owner.role == role) return {};
    return fail("{} may not publish {}: that is {}'s", role, topic, owner.role);
  }
  return fail("{} may not publish {}: no such topic", role, topic);
}

}  // namespace ballast::bus
