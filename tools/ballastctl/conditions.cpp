#include "tools/ballastctl/conditions.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace ballast::ctl {
namespace {

using std::string_view;

constexpr std::array kinds{std::pair{ConditionKind::instance, string_view{"instance"}},
                           std::pair{ConditionKind::group, string_view{"group"}},
                           std::pair{ConditionKind::server, string_view{"server"}},
                           std::pair{ConditionKind::service, string_view{"service"}},
                           std::pair{ConditionKind::ready, string_view{"ready"}},
                           std::pair{ConditionKind::reloaded, string_view{"reloaded"}}};
constexpr std::array daemons{"vrrpd", "scriptd", "checkd", "forwardd"};
// What checkd says of a server until the first result.
constexpr std::array unprobed{string_view{"not probed yet"}, string_view{"waiting for the first success"}};

std::vector<std::string> states_of(ConditionKind kind) {
  std::vector<std::string> names;
  const auto add = [&](const auto& all) {
    for (const auto& [value, name] : all) names.emplace_back(name);
  };
  if (kind == ConditionKind::instance || kind == ConditionKind::group)
    add(enum_names(static_cast<bus::VrrpRole*>(nullptr)));
  else if (kind == ConditionKind::server)
    add(enum_names(static_cast<bus::ServerStatus*>(nullptr)));
  else if (kind == ConditionKind::service)
    names = {"up", "down"};
  return names;
}

std::string name_of_kind(ConditionKind kind) {
  return std::string{std::ranges::find(kinds, kind, &std::pair<ConditionKind, string_view>::first)->second};
}

bool equal_ignoring_case(string_view a, string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// How many words follow the kind.
std::size_t words_after(ConditionKind kind) {
  if (kind == ConditionKind::ready || kind == ConditionKind::reloaded) return 0;
  return kind == ConditionKind::server ? 3 : 2;
}

std::optional<ConditionKind> kind_of(string_view word) {
  const auto* const found = std::ranges::find(kinds, word, &std::pair<ConditionKind, string_view>::second);
  if (found == kinds.end()) return std::nullopt;
  return found->first;
}

std::string because(const std::string& reason) { return reason.empty() ? "" : fmt::format(" ({})", reason); }

/// `there are a, b`, of which at most so many are named.
std::string those_there_are(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  if (names.empty()) return "there are none";
  const std::span some{names.data(), std::min(names.size(), most)};
  return fmt::format("there are {}{}", fmt::join(some, ", "), names.size() > most ? ", …" : "");
}

template <class T>
const T* find_named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &T::name);
  return found == all.end() ? nullptr : &*found;
}

template <class T>
std::vector<std::string> names(const std::vector<T>& all) {
  std::vector<std::string> result;
  for (const auto& each : all) result.push_back(each.name);
  return result;
}

std::optional<std::string> unmet_role(const Condition& condition, const NodeView& view) {
  const auto compare = [&](const auto& all, const std::string& reason) -> std::optional<std::string> {
    const auto kind = name_of_kind(condition.kind);
    const auto* found = find_named(all, condition.name);
    if (found == nullptr)
      return fmt::format("there is no {} {}: {}", kind, condition.name, those_there_are(names(all)));
    if (name_of(found->state) == condition.state) return std::nullopt;
    return fmt::format("{} {} is {}{}, not {}", kind, condition.name, found->state, reason, condition.state);
  };
  if (condition.kind == ConditionKind::group)
    return compare(values_of<bus::VrrpGroupState>(view.topics, "vrrp-group/"), "");
  const auto states = values_of<bus::VrrpState>(view.topics, "vrrp/");
  const auto* found = find_named(states, condition.name);
  return compare(states, found == nullptr ? "" : because(found->reason));
}

/// `10.0.0.1:80` is meant by itself and by `10.0.0.1`.
bool is_meant(const std::string& server, const std::string& typed) {
  if (server == typed) return true;
  const auto colon = server.rfind(':');
  auto address = string_view{server}.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address == typed;
}

struct ServerView {
  std::string server;
  std::string state;
  std::string reason;
};

/// As forwardd has it; without a forwardd, as checks and operators say.
std::vector<ServerView> servers_of(const std::string& service, const Topics& topics) {
  std::vector<ServerView> all;
  const auto states = values_of<bus::ServiceState>(topics, "service/");
  if (const auto* state = find_named(states, service)) {
    for (const auto& each : state->servers) {
      const bool v6 = each.address.find(':') != std::string::npos;
      const auto endpoint = fmt::format("{}{}{}:{}", v6 ? "[" : "", each.address, v6 ? "]" : "", each.port);
      all.push_back({endpoint, std::string{name_of(each.state)}, each.reason});
    }
    return all;
  }
  const auto words = values_of<bus::ServerAdmin>(topics, "admin/");
  for (const auto& health : values_of<bus::ServerHealth>(topics, "health/")) {
    if (health.service != service) continue;
    ServerView made{health.server, health.up ? "up" : "down", health.reason};
    const auto word = std::ranges::find_if(
        words, [&](const auto& each) { return each.service == service && each.server == health.server; });
    if (word != words.end()) {
      made.state = word->state == bus::AdminState::drain ? "drain" : "down";
      made.reason = "by " + word->by;
    }
    all.push_back(std::move(made));
  }
  return all;
}

std::optional<std::string> unmet_server(const Condition& condition, const NodeView& view) {
  const auto servers = servers_of(condition.name, view.topics);
  if (servers.empty()) return fmt::format("service {} is not there or has no servers", condition.name);
  std::vector<std::string> known;
  for (const auto& each : servers) {
    if (is_meant(each.server, condition.server)) {
      if (each.state == condition.state) return std::nullopt;
      return fmt::format("server {} {} is {}{}, not {}", condition.name, each.server, each.state, because(each.reason),
                         condition.state);
    }
    known.push_back(each.server);
  }
  return fmt::format("service {} has no server {}: {}", condition.name, condition.server, those_there_are(known));
}

std::optional<std::string> unmet_service(const Condition& condition, const NodeView& view) {
  const auto states = values_of<bus::ServiceState>(view.topics, "service/");
  const auto* found = find_named(states, condition.name);
  if (found == nullptr)
    return fmt::format("there is no service {}: {}", condition.name, those_there_are(names(states)));
  if (name_of(found->state) == condition.state) return std::nullopt;
  return fmt::format("service {} is {}{}, not {}", condition.name, found->state, because(found->reason),
                     condition.state);
}

/// The servers that have no result, and those of the configuration that nobody tells of.
std::vector<std::string> without_result(const config::Model& model, const Topics& topics) {
  std::vector<std::string> missing;
  std::set<std::pair<std::string, std::string>> told;
  for (const auto& health : values_of<bus::ServerHealth>(topics, "health/")) {
    if (health.checks > 0 && std::ranges::find(unprobed, health.reason) != unprobed.end())
      missing.push_back(fmt::format("server {} {} is {}", health.service, health.server, health.reason));
    told.emplace(health.service, health.server);
  }
  for (const auto& service : model.virtual_servers) {
    for (const auto& server : service.real_servers) {
      if (!told.contains({service.name, server.endpoint.to_string()}))
        missing.push_back(fmt::format("checkd tells nothing of server {} {}", service.name, server.endpoint));
    }
  }
  return missing;
}

std::optional<std::string> first_of(const std::vector<std::string>& faults) {
  if (faults.empty()) return std::nullopt;
  if (faults.size() == 1) return faults.front();
  return fmt::format("{}, and {} more", faults.front(), faults.size() - 1);
}

std::optional<std::string> unready(const NodeView& view) {
  std::vector<std::string> faults;
  for (const auto* daemon : daemons) {
    if (!view.topics.contains(std::string{"node/"} + daemon)) faults.push_back(fmt::format("{} is not there", daemon));
  }
  if (view.model == nullptr) faults.emplace_back("ballastd does not tell its configuration");
  if (!faults.empty()) return first_of(faults);
  const auto roles = values_of<bus::VrrpState>(view.topics, "vrrp/");
  for (const auto& instance : view.model->vrrp_instances) {
    const auto* state = find_named(roles, instance.name);
    if (state == nullptr)
      faults.push_back(fmt::format("vrrpd tells nothing of instance {}", instance.name));
    else if (state->state == bus::VrrpRole::init)
      faults.push_back(fmt::format("instance {} is INIT{}", instance.name, because(state->reason)));
  }
  const auto services = values_of<bus::ServiceState>(view.topics, "service/");
  const auto told = names(services);
  const std::set<std::string> known{told.begin(), told.end()};
  for (const auto& service : view.model->virtual_servers) {
    if (!known.contains(service.name))
      faults.push_back(fmt::format("forwardd tells nothing of service {}", service.name));
  }
  if (auto missing = without_result(*view.model, view.topics); !missing.empty())
    faults.insert(faults.end(), missing.begin(), missing.end());
  return first_of(faults);
}

std::optional<std::string> not_reloaded(const NodeView& view) {
  if (view.reloading == nullptr) return "no reload was seen";
  if (view.reloading->severity != "error") return std::nullopt;
  return view.reloading->message;
}

}  // namespace

Result<std::vector<Condition>> parse_conditions(std::span<const std::string> words) {
  std::vector<Condition> made;
  while (!words.empty()) {
    const auto kind = kind_of(words.front());
    if (!kind) {
      std::vector<string_view> known;
      for (const auto& [value, name] : kinds) known.push_back(name);
      return fail("'{}' is no condition; there are {}", words.front(), fmt::join(known, ", "));
    }
    const auto more = words_after(*kind);
    const auto states = states_of(*kind);
    if (words.size() <= more)
      return fail("'{}' wants {}, one of {}", words.front(), more == 3 ? "SERVICE SERVER STATE" : "NAME STATE",
                  fmt::join(states, ", "));
    Condition condition{.kind = *kind, .name = {}, .server = {}, .state = {}};
    if (more > 0) {
      condition.name = words[1];
      if (more == 3) condition.server = words[2];
      const auto state =
          std::ranges::find_if(states, [&](const auto& each) { return equal_ignoring_case(each, words[more]); });
      if (state == states.end())
        return fail("'{}' is no state of {} {}; there are {}", words[more],
                    *kind == ConditionKind::instance ? "an" : "a", words.front(), fmt::join(states, ", "));
      condition.state = *state;
    }
    made.push_back(std::move(condition));
    words = words.subspan(more + 1);
  }
  return made;
}

std::optional<std::string> unmet(const Condition& condition, const NodeView& view) {
  switch (condition.kind) {
    case ConditionKind::instance:
    case ConditionKind::group:
      return unmet_role(condition, view);
    case ConditionKind::server:
      return unmet_server(condition, view);
    case ConditionKind::service:
      return unmet_service(condition, view);
    case ConditionKind::ready:
      return unready(view);
    case ConditionKind::reloaded:
      break;
  }
  return not_reloaded(view);
}

bool is_reload(const bus::Event& event) {
  const auto& said = event.message;
  return event.kind == "config" && event.daemon == "ballastd" &&
         (said.starts_with("configuration reloaded") || said.starts_with("reload refused"));
}

std::vector<std::string> next_words(std::span<const std::string> words, const Topics& topics) {
  for (;;) {
    const auto kind = words.empty() ? std::nullopt : kind_of(words.front());
    if (!kind) break;
    const auto more = words_after(*kind);
    if (words.size() > more) {
      words = words.subspan(more + 1);
      continue;
    }
    if (words.size() == more) return states_of(*kind);
    if (*kind == ConditionKind::server && words.size() == 2) {
      std::vector<std::string> servers;
      for (const auto& each : servers_of(words[1], topics)) servers.push_back(each.server);
      return servers;
    }
    if (*kind == ConditionKind::instance) return names(values_of<bus::VrrpState>(topics, "vrrp/"));
    if (*kind == ConditionKind::group) return names(values_of<bus::VrrpGroupState>(topics, "vrrp-group/"));
    return names(values_of<bus::ServiceState>(topics, "service/"));
  }
  std::vector<std::string> all;
  for (const auto& [value, name] : kinds) all.emplace_back(name);
  return all;
}

}  // namespace ballast::ctl
