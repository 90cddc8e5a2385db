#include "daemons/ballastd/model_diff.hpp"

#include <algorithm>
#include <unordered_map>

#include "common/config/loader.hpp"
#include "daemons/ballastd/printed.hpp"

namespace ballast::ballastd {
namespace {

using config::Context;
using config::Model;

template <class List>
auto by_name(const List& all) {
  std::unordered_map<std::string_view, const typename List::value_type*> names;
  for (const auto& each : all) names.emplace(each.name, &each);
  return names;
}

/// Calls `removed(old)`, then for those of `after` in their order `added(now)` and `changed(old, now)`.
template <class List, class Removed, class Added, class Changed>
void compare(const List& before, const List& after, Removed removed, Added added, Changed changed) {
  const auto old_names = by_name(before);
  const auto new_names = by_name(after);
  for (const auto& each : before) {
    if (!new_names.contains(each.name)) removed(each);
  }
  for (const auto& each : after) {
    const auto old = old_names.find(each.name);
    if (old == old_names.end())
      added(each);
    else if (old->second != &each && !(*old->second == each))
      changed(*old->second, each);
  }
}

std::vector<Printed> printed(const Model& model) { return read_printed(config::print(model)); }

/// One object of each of two models, described by a line or more.
template <class List>
void describe(std::vector<std::string>& lines, List Model::*list, const Model& before, const Model& after,
              const typename List::value_type& old, const typename List::value_type& now, const std::string& label) {
  Model one;
  Model other;
  one.global.mail = before.global.mail;  // whether mails are sent decides what is printed
  other.global.mail = after.global.mail;
  (one.*list).push_back(old);
  (other.*list).push_back(now);
  auto earlier = printed(one);
  auto later = printed(other);
  const auto is_global = [](const Printed& each) { return each.keyword == "global_defs"; };
  std::erase_if(earlier, is_global);
  std::erase_if(later, is_global);
  if (earlier.empty() || later.empty()) return;
  // What stands before the object, such as a group of addresses, is the service's own.
  const auto object = std::move(earlier.back());
  const auto changed = std::move(later.back());
  earlier.pop_back();
  later.pop_back();
  std::vector<std::string> around;
  describe_changes(around, "", Context::top, earlier, later);
  for (const auto& line : around) lines.push_back(label + ": " + line);
  const auto* keyword = config::find_keyword(Context::top, changed.keyword);
  if (keyword != nullptr && keyword->block)
    describe_changes(lines, label, *keyword->block, object.children, changed.children);
}

template <class List>
void compare_all(std::vector<std::string>& lines, std::string_view kind, List Model::*list, const Model& before,
                 const Model& after) {
  using T = typename List::value_type;
  const auto label = [&](const T& each) { return fmt::format("{} {}", kind, each.name); };
  compare(
      before.*list, after.*list, [&](const T& old) { lines.push_back(label(old) + " removed"); },
      [&](const T& now) { lines.push_back(label(now) + " added"); },
      [&](const T& old, const T& now) {
        const auto earlier = lines.size();
        describe(lines, list, before, after, old, now, label(now));
        if (lines.size() == earlier) lines.push_back(label(now) + " changed");
      });
}

/// global_defs, static objects and what is tracked.
void compare_rest(std::vector<std::string>& lines, const Model& before, const Model& after) {
  if (before.global == after.global && before.statics == after.statics && before.tracking == after.tracking) return;
  Model one;
  Model other;
  one.global = before.global;
  one.statics = before.statics;
  one.tracking = before.tracking;
  other.global = after.global;
  other.statics = after.statics;
  other.tracking = after.tracking;
  const auto earlier = lines.size();
  describe_changes(lines, "", Context::top, printed(one), printed(other));
  if (lines.size() == earlier) lines.emplace_back("global_defs changed");
}

}  // namespace

std::vector<std::string> diff(const Model& before, const Model& after) {
  std::vector<std::string> lines;
  compare_rest(lines, before, after);
  compare_all(lines, "vrrp_script", &Model::vrrp_scripts, before, after);
  compare_all(lines, "vrrp_instance", &Model::vrrp_instances, before, after);
  compare_all(lines, "vrrp_sync_group", &Model::vrrp_sync_groups, before, after);
  compare_all(lines, "virtual_server", &Model::virtual_servers, before, after);
  return lines;
}

}  // namespace ballast::ballastd
