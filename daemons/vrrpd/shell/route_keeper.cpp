#include "daemons/vrrpd/shell/route_keeper.hpp"

#include <algorithm>

#include "common/config/route_record.hpp"
#include "common/netlink/route_reconciler.hpp"
#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/kernel_entries.hpp"

namespace ballast::vrrpd {
namespace {

/// One of the plan with the entry it becomes.
template <class Object, class Entry>
struct Wanted {
  const Owned<Object>* source;
  Entry entry;
};

template <class Object>
std::string describe(const Owned<Object>& owned, const char* kind) {
  return fmt::format("{} {} {}", owned.owner.empty() ? "static" : owned.owner + ":", kind, record_of(owned.object));
}

template <class Object>
bool contains(const std::vector<Owned<Object>>& list, const Owned<Object>& object) {
  return std::ranges::find(list, object) != list.end();
}

/// The entries that should be there; one with no_track that was there and is not any more is left alone.
template <class Object, class Entry, class Table, class Fits>
std::vector<Entry> still_wanted(const std::vector<Wanted<Object, Entry>>& wanted, const std::vector<Entry>& actual,
                                Table& table, Fits fits) {
  std::vector<Entry> entries;
  for (const auto& [source, entry] : wanted) {
    const bool there = std::ranges::any_of(actual, [&](const Entry& other) { return fits(other, entry); });
    const bool settled = contains(table.settled, *source);
    if (there && !settled) table.settled.push_back(*source);
    if (!there && settled && !source->object.track) continue;
    entries.push_back(entry);
  }
  return entries;
}

/// Adds what is missing and takes note of what cannot be.
template <class Object, class Entry, class Table, class Add>
void add_missing(const std::vector<Entry>& missing, const std::vector<Wanted<Object, Entry>>& wanted, Table& table,
                 const char* kind, std::vector<Problem>& problems, Add add) {
  for (const auto& entry : missing) {
    const auto found = std::ranges::find(wanted, entry, &Wanted<Object, Entry>::entry);
    if (found == wanted.end()) continue;
    const auto& source = *found->source;
    const auto text = describe(source, kind);
    if (const auto done = add(source.object, entry); !done) {
      problems.push_back({source.owner, source.object.group, fmt::format("{}: {}", text, done.error().message)});
      std::erase(table.settled, source);
    } else if (contains(table.settled, source)) {
      log::warning("{} had been removed by someone else: put back", text);
    } else {
      table.settled.push_back(source);
    }
  }
}

/// What the plan does not want any more was not there "once".
template <class Object, class Table>
void forget_unplanned(Table& table, const std::vector<Owned<Object>>& plan) {
  std::erase_if(table.settled, [&](const auto& settled) { return !contains(plan, settled); });
}

template <class Entry>
void remember_foreign(std::vector<Entry>& foreign, const Entry& entry) {
  if (entry.protocol == netlink::ballast_route_protocol) return;
  if (std::ranges::find(foreign, entry) == foreign.end()) foreign.push_back(entry);
}

}  // namespace

RouteKeeper::RouteKey RouteKeeper::key_of(const netlink::RouteEntry& entry) {
  const auto normal = canonical(entry);
  return {normal.destination, normal.table, normal.metric, normal.tos};
}

RouteKeeper::RuleKey RouteKeeper::key_of(const netlink::RuleEntry& entry) { return {entry.family, entry.priority}; }

void RouteKeeper::know(const std::vector<config::Route>& routes) {
  for (const auto& route : routes) {
    const auto entry = to_entry(route, [&](const std::string& name) {
      const auto* link = host_.link(name);
      return std::optional<int>{link == nullptr ? 0 : link->index};
    });
    routes_.known.insert(key_of(*entry));
    routes_.protocols.insert(entry->protocol);
    remember_foreign(routes_.foreign, *entry);
  }
}

void RouteKeeper::know(const std::vector<config::Rule>& rules) {
  for (const auto& rule : rules) {
    const auto entry = to_entry(rule);
    rules_.known.insert(key_of(entry));
    remember_foreign(rules_.foreign, entry);
  }
}

bool RouteKeeper::is_ours(const netlink::RouteEntry& entry) const { return routes_.known.contains(key_of(entry)); }
bool RouteKeeper::is_ours(const netlink::RuleEntry& entry) const { return rules_.known.contains(key_of(entry)); }

void RouteKeeper::apply(const KernelPlan& plan, std::vector<Problem>& problems) {
  for (const auto& [route, owner] : plan.routes) know({route});
  for (const auto& [rule, owner] : plan.rules) know({rule});
  // Routes lead where rules point to; rules go first, lest packets fall through a table that is empty already.
  if (!rules_.known.empty()) apply_rules(plan, problems);
  if (!routes_.known.empty()) apply_routes(plan, problems);
}

Result<std::vector<netlink::RouteEntry>> RouteKeeper::read_routes() {
  std::vector<netlink::RouteEntry> all;
  for (const auto protocol : routes_.protocols) {
    auto some = kernel_.routes(protocol);
    if (!some) return some.error();
    std::ranges::copy_if(*some, std::back_inserter(all), [&](const auto& route) { return is_ours(route); });
  }
  return all;
}

void RouteKeeper::apply_routes(const KernelPlan& plan, std::vector<Problem>& problems) {
  forget_unplanned(routes_, plan.routes);
  std::vector<Wanted<config::Route, netlink::RouteEntry>> wanted;
  const auto find_link = [&](const std::string& name) {
    const auto* link = host_.link(name);
    return link == nullptr ? std::nullopt : std::optional{link->index};
  };
  for (const auto& owned : plan.routes) {
    if (auto entry = to_entry(owned.object, find_link))
      wanted.push_back({&owned, std::move(*entry)});
    else
      problems.push_back(
          {owned.owner, owned.object.group, fmt::format("{}: {}", describe(owned, "route"), entry.error().message)});
  }
  const auto actual = read_routes();
  if (!actual) return log::error("{}", actual.error().message);
  const auto entries = still_wanted(wanted, *actual, routes_, netlink::satisfies);
  const auto changes = netlink::reconcile_routes(entries, *actual, routes_.foreign);
  for (const auto& entry : changes.remove) {
    if (const auto done = kernel_.remove_route(entry); !done) log::error("{}", done.error().message);
  }
  add_missing(changes.add, wanted, routes_, "route", problems,
              [&](const config::Route& route, const netlink::RouteEntry& entry) {
                return kernel_.add_route(entry, static_cast<netlink::RoutePlace>(route.placement));
              });
}

void RouteKeeper::apply_rules(const KernelPlan& plan, std::vector<Problem>& problems) {
  forget_unplanned(rules_, plan.rules);
  std::vector<Wanted<config::Rule, netlink::RuleEntry>> wanted;
  for (const auto& owned : plan.rules) wanted.push_back({&owned, to_entry(owned.object)});
  auto actual = kernel_.rules();
  if (!actual) return log::error("{}", actual.error().message);
  std::erase_if(*actual, [&](const auto& rule) { return !is_ours(rule); });
  const auto entries = still_wanted(wanted, *actual, rules_, std::equal_to<>{});
  const auto changes = netlink::reconcile_rules(entries, *actual, rules_.foreign);
  for (const auto& entry : changes.remove) {
    if (const auto done = kernel_.remove_rule(entry); !done) log::error("{}", done.error().message);
  }
  add_missing(changes.add, wanted, rules_, "rule", problems,
              [&](const config::Rule&, const netlink::RuleEntry& entry) { return kernel_.add_rule(entry); });
}

}  // namespace ballast::vrrpd
