#include "daemons/checkd/board.hpp"

#include <algorithm>
#include <utility>

namespace ballast::checkd {
namespace {

template <class Action>
void for_each_server(const config::Model& model, Action action) {
  for (const auto& service : model.virtual_servers) {
    for (const auto& server : service.real_servers) {
      action(ServerKey{service.name, server.endpoint.to_string()}, server);
    }
  }
}

bus::Event event_of(const bus::ServerHealth& health) {
  bus::Event event;
  event.time = health.since;
  event.kind = "health";
  event.subject = health.service + "/" + health.server;
  event.message = fmt::format("{}: server {} {} ({})", health.service, health.server, health.up ? "up" : "down", health.reason);
  event.severity = health.up ? "notice" : "warning";
  return event;
}

}  // namespace

std::size_t Board::CheckHash::operator()(const config::Check& check) const {
  return std::hash<net::IpAddress>{}(check.target.address) * 65'599 + check.target.port * 31U + static_cast<unsigned>(check.kind);
}

Plan Board::apply(const config::Model& model, double now) {
  Plan plan = adopt_checks(model);
  adopt_servers(model, now, plan);
  return plan;
}

Plan Board::adopt_checks(const config::Model& model) {
  std::unordered_map<config::Check, std::vector<ServerKey>, CheckHash> wanted;
  std::vector<decltype(wanted)::value_type*> in_order;
  for_each_server(model, [&](const ServerKey& key, const config::RealServer& server) {
    for (const auto& check : server.checks) {
      const auto [entry, inserted] = wanted.try_emplace(check);
      entry->second.push_back(key);
      if (inserted) in_order.push_back(&*entry);
    }
  });
  Plan plan;
  std::unordered_set<CheckId> stay;
  for (const auto& [check, id] : ids_) {
    if (wanted.contains(check)) stay.insert(id);
    else plan.stop.push_back(id);
  }
  for (auto* entry : in_order) {
    auto& [check, users] = *entry;
    if (const auto found = ids_.find(check); found != ids_.end()) {
      running_.at(found->second).users = std::move(users);
      continue;
    }
    plan.start.push_back({next_id_++, check});
    running_.emplace(plan.start.back().id, Running{fresh_policy(check, users, stay), users});
  }
  for (const auto id : plan.stop) running_.erase(id);
  std::erase_if(ids_, [&](const auto& entry) { return !stay.contains(entry.second); });
  for (const auto& started : plan.start) ids_.emplace(started.check, started.id);
  return plan;
}

// A server that is known keeps its state: the new check takes it over, unless a check that stays explains it already.
CheckPolicy Board::fresh_policy(const config::Check& check, const std::vector<ServerKey>& users,
                                const std::unordered_set<CheckId>& stay) const {
  bool known = false;
  for (const auto& key : users) {
    const auto found = servers_.find(key);
    if (found == servers_.end()) continue;
    known = true;
    const auto& server = found->second;
    const bool explained = std::ranges::any_of(
        server.checks, [&](CheckId id) { return stay.contains(id) && !running_.at(id).policy.up(); });
    if (!server.health.up && !explained) return {check, false, server.health.reason};
  }
  if (check.alpha && !known) return {check, false, "waiting for the first success"};
  return {check, true, "not probed yet"};
}

void Board::adopt_servers(const config::Model& model, double now, Plan& plan) {
  auto old = std::exchange(servers_, {});
  for_each_server(model, [&](const ServerKey& key, const config::RealServer& configured) {
    auto known = old.extract(key);
    const bool is_new = known.empty();
    auto& server = servers_[key];
    if (!is_new) server = std::move(known.mapped());
    server.checks.clear();
    for (const auto& check : configured.checks) server.checks.push_back(ids_.at(check));
    refresh(key, server, now, is_new, plan.news);
  });
  for (const auto& [key, server] : old) plan.withdraw.push_back(key);
}

// What the checks make of a server: all must pass; the reason is that of the first that does not, or cannot tell.
void Board::refresh(const ServerKey& key, Server& server, double now, bool is_new, News& news) const {
  bus::ServerHealth health = server.health;
  health.service = key.service;
  health.server = key.server;
  health.checks = static_cast<unsigned>(server.checks.size());
  health.up = true;
  health.reason = "no check configured";
  const CheckPolicy* speaker = nullptr;
  for (const auto id : server.checks) {
    const auto& policy = running_.at(id).policy;
    const bool better = speaker == nullptr || (speaker->up() && !policy.up()) ||
                        (speaker->up() == policy.up() && speaker->latest().passed() && !policy.latest().passed());
    if (better) speaker = &policy;
    health.up = health.up && policy.up();
  }
  if (speaker != nullptr) {
    health.reason = speaker->latest().reason;
    health.took_ms = static_cast<double>(speaker->latest().took.count()) / 1e3;
  }
  const bool turned = is_new ? false : health.up != server.health.up;
  if (is_new || turned) health.since = now;
  if (is_new || turned || health.reason != server.health.reason || health.checks != server.health.checks) {
    news.publish.push_back(health);
    if (turned) news.events.push_back(event_of(health));
  }
  server.health = std::move(health);
}

Board::Outcome Board::on_verdict(CheckId id, const Verdict& verdict, double now) {
  auto& check = running_.at(id);
  const auto step = check.policy.on_verdict(verdict);
  Outcome outcome{step.wait, {}};
  if (step.change == CheckPolicy::Change::none) return outcome;
  for (const auto& key : check.users) refresh(key, servers_.at(key), now, false, outcome.news);
  return outcome;
}

config::Duration Board::first_delay(CheckId id, double random) const {
  return running_.at(id).policy.first_delay(random);
}

}  // namespace ballast::checkd
