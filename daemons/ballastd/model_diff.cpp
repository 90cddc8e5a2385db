#include "daemons/ballastd/model_diff.hpp"

#include <fmt/ranges.h>

#include "common/config/tracking_json.hpp"

namespace ballast::ballastd {
namespace {

using nlohmann::json;

std::string text(const json& value) {
  if (value.is_null()) return "none";
  if (!value.is_string()) return value.dump();
  return value.get_ref<const std::string&>().empty() ? "none" : value.get<std::string>();
}

/// `priority 100 -> 150`; lists and blocks are only named.
std::string changed_fields(const json& before, const json& after, std::string_view leave_out = "") {
  std::vector<std::string> parts;
  for (const auto& [field, value] : after.items()) {
    const auto& old = before.at(field);
    if (old == value || field == leave_out) continue;
    if (value.is_structured() || old.is_structured())
      parts.push_back(field + " changed");
    else
      parts.push_back(fmt::format("{} {} -> {}", field, text(old), text(value)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

template <class T, class Name>
const T* find(const std::vector<T>& all, const T& like, Name name) {
  for (const auto& each : all) {
    if (name(each) == name(like)) return &each;
  }
  return nullptr;
}

/// Added, removed and changed ones; `describe(before, after)` gives the lines of what was changed.
template <class T, class Name, class Describe>
void compare(std::vector<std::string>& lines, const std::string& label, const std::vector<T>& before,
             const std::vector<T>& after, Name name, Describe describe) {
  for (const auto& each : before) {
    if (!find(after, each, name)) lines.push_back(fmt::format("{} {} removed", label, name(each)));
  }
  for (const auto& each : after) {
    const auto* old = find(before, each, name);
    if (!old)
      lines.push_back(fmt::format("{} {} added", label, name(each)));
    else if (!(*old == each))
      describe(*old, each);
  }
}

void compare_services(std::vector<std::string>& lines, const config::VirtualServer& before,
                      const config::VirtualServer& after) {
  const auto label = "virtual_server " + after.name;
  if (const auto fields = changed_fields(before, after, "real_servers"); !fields.empty())
    lines.push_back(label + ": " + fields);
  const auto name = [](const config::RealServer& server) { return server.endpoint.to_string(); };
  const auto server_label = label + ": real_server";
  const auto earlier = lines.size();
  compare(lines, server_label, before.real_servers, after.real_servers, name,
          [&](const config::RealServer& old, const config::RealServer& changed) {
            lines.push_back(fmt::format("{} {}: {}", server_label, name(changed), changed_fields(old, changed)));
          });
  if (lines.size() == earlier && before.real_servers != after.real_servers)
    lines.push_back(label + ": real_servers in another order");
}

template <class T>
auto changes_of(std::vector<std::string>& lines, const std::string& label) {
  return [&lines, label](const T& before, const T& after) {
    lines.push_back(fmt::format("{} {}: {}", label, after.name, changed_fields(before, after)));
  };
}

}  // namespace

std::vector<std::string> diff(const config::Model& before, const config::Model& after) {
  std::vector<std::string> lines;
  if (before.global != after.global) lines.push_back("global_defs: " + changed_fields(before.global, after.global));
  if (before.statics != after.statics)
    lines.push_back("static objects: " + changed_fields(before.statics, after.statics));
  if (before.tracking != after.tracking)
    lines.push_back("what is tracked: " + changed_fields(before.tracking, after.tracking));
  const auto name = [](const auto& each) { return each.name; };
  compare(lines, "vrrp_script", before.vrrp_scripts, after.vrrp_scripts, name,
          changes_of<config::VrrpScript>(lines, "vrrp_script"));
  compare(lines, "vrrp_instance", before.vrrp_instances, after.vrrp_instances, name,
          changes_of<config::VrrpInstance>(lines, "vrrp_instance"));
  compare(lines, "vrrp_sync_group", before.vrrp_sync_groups, after.vrrp_sync_groups, name,
          changes_of<config::VrrpSyncGroup>(lines, "vrrp_sync_group"));
  compare(lines, "virtual_server", before.virtual_servers, after.virtual_servers, name,
          [&](const config::VirtualServer& old, const config::VirtualServer& changed) {
            compare_services(lines, old, changed);
          });
  return lines;
}

}  // namespace ballast::ballastd
