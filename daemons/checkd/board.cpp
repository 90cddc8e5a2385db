#include "daemons/checkd/board.hpp"

#include <algorithm>
#include <utility>

namespace ballast::checkd {
namespace {

constexpr int most_weight = 65'535;
constexpr double day = 86'400;

ServerKey key_of(const config::VirtualServer& service, const config::RealServer& server) {
  return {service.name, server.endpoint.to_string()};
}

bus::Event event_of(const bus::ServerHealth& health, double now, std::string message, std::string_view severity) {
  bus::Event event;
  event.time = now;
  event.kind = "health";
  event.subject = health.service + "/" + health.server;
  event.message = std::move(message);
  event.severity = severity;
  return event;
}

bus::Event turned_event(const bus::ServerHealth& health) {
  return event_of(
      health, health.since,
      fmt::format("{}: server {} {} ({})", health.service, health.server, health.up ? "up" : "down", health.reason),
      health.up ? "notice" : "warning");
}

/// Of the whole weight: so many percent, and not nothing where it is not 0 percent.
int share(int weight, int percent) {
  if (percent <= 0 || weight <= 0) return 0;
  return std::max(1, static_cast<int>(std::int64_t{weight} * percent / 100));
}

}  // namespace

std::size_t Board::CheckHash::operator()(const config::Check& check) const {
  return std::hash<net::IpAddress>{}(check.target.address) * 65'599 + check.target.port * std::size_t{31} +
         static_cast<unsigned>(check.kind);
}

Plan Board::apply(const config::Model& model, double now, const Suspended& suspended) {
  const auto difference = adopt(model, suspended);
  Plan plan;
  release_checks(difference);
  adopt_checks(difference, plan);
  adopt_watches(difference);
  adopt_servers(difference, now, plan);
  return plan;
}

Board::Difference Board::adopt(const config::Model& model, const Suspended& suspended) {
  Difference difference{std::exchange(adopted_, {}), {}};
  for (std::size_t place = 0; place < model.virtual_servers.size(); ++place) {
    Adopted now{model.virtual_servers.shared(place), suspended.contains(model.virtual_servers[place].name)};
    auto known = difference.before.find(now.service->name);
    const bool same = known != difference.before.end() && known->second.suspended == now.suspended &&
                      (known->second.service == now.service || *known->second.service == *now.service);
    if (same) {
      adopted_.insert(difference.before.extract(known)).position->second = std::move(now);
      continue;
    }
    adopted_.insert_or_assign(now.service->name, now);
    difference.now.push_back(std::move(now));
  }
  return difference;
}

/// Services that are others now use no check until adopt_checks() has given them theirs.
void Board::release_checks(const Difference& difference) {
  std::unordered_set<CheckId> used;
  for (const auto& [name, before] : difference.before) {
    for (const auto& server : before.service->real_servers) {
      const auto& checks = servers_.at(key_of(*before.service, server)).checks;
      used.insert(checks.begin(), checks.end());
    }
  }
  for (const auto id : used)
    std::erase_if(running_.at(id).users, [&](const auto& key) { return difference.before.contains(key.service); });
}

void Board::adopt_checks(const Difference& difference, Plan& plan) {
  std::unordered_map<config::Check, std::vector<ServerKey>, CheckHash> fresh;
  std::vector<decltype(fresh)::value_type*> in_order;
  for (const auto& [service, suspended] : difference.now) {
    if (suspended) continue;
    for (const auto& server : service->real_servers) {
      for (const auto& check : server.checks) {
        if (const auto known = ids_.find(check); known != ids_.end()) {
          running_.at(known->second).users.push_back(key_of(*service, server));
          continue;
        }
        const auto [entry, inserted] = fresh.try_emplace(check);
        entry->second.push_back(key_of(*service, server));
        if (inserted) in_order.push_back(&*entry);
      }
    }
  }
  for (auto* entry : in_order) {
    auto& [check, users] = *entry;
    plan.start.push_back({next_id_++, check});
    Running running{fresh_policy(check, users), users};
    running.log_all = check.log_all;
    if (check.tls) running.expiry_warning = check.tls->expiry_warning;
    running_.emplace(plan.start.back().id, std::move(running));
  }
  stop_unused(difference, plan);
  for (const auto& started : plan.start) ids_.emplace(started.check, started.id);
}

void Board::stop_unused(const Difference& difference, Plan& plan) {
  for (const auto& [name, before] : difference.before) {
    if (before.suspended) continue;
    for (const auto& server : before.service->real_servers) {
      for (const auto& check : server.checks) {
        const auto known = ids_.find(check);
        if (known == ids_.end() || !running_.at(known->second).users.empty()) continue;
        plan.stop.push_back(known->second);
        running_.erase(known->second);
        ids_.erase(known);
      }
    }
  }
}

// A server that is known keeps its state: the new check takes it over, unless a check that stays explains it already.
CheckPolicy Board::fresh_policy(const config::Check& check, const std::vector<ServerKey>& users) const {
  bool known = false;
  for (const auto& key : users) {
    const auto found = servers_.find(key);
    if (found == servers_.end()) continue;
    known = true;
    const auto& server = found->second;
    const bool explained = std::ranges::any_of(server.checks, [&](CheckId id) {
      const auto& running = running_.at(id);
      return !running.users.empty() && !running.policy.up();
    });
    if (!server.health.up && !server.health.passive && !explained) return {check, false, server.health.reason};
  }
  if (check.alpha && !known) return {check, false, "waiting for the first success"};
  return {check, true, "not probed yet"};
}

void Board::adopt_servers(const Difference& difference, double now, Plan& plan) {
  std::unordered_set<const Server*> kept;
  for (const auto& [service, suspended] : difference.now) {
    for (const auto& server : service->real_servers) {
      const auto key = key_of(*service, server);
      adopt_server(key, server, suspended, now, plan.news);
      kept.insert(&servers_.at(key));
    }
  }
  for (const auto& [name, before] : difference.before) {
    for (const auto& server : before.service->real_servers) {
      const auto found = servers_.find(key_of(*before.service, server));
      if (found == servers_.end() || kept.contains(&found->second)) continue;
      plan.withdraw.push_back(found->first);
      servers_.erase(found);
    }
  }
}

void Board::adopt_server(const ServerKey& key, const config::RealServer& configured, bool suspended, double now,
                         News& news) {
  const auto [entry, is_new] = servers_.try_emplace(key);
  auto& server = entry->second;
  server.checks.clear();
  server.weight = configured.weight;
  server.any_check = configured.any_check;
  server.suspended = suspended && !configured.checks.empty();
  if (!suspended) {
    for (const auto& check : configured.checks) server.checks.push_back(ids_.at(check));
  }
  refresh(key, server, now, is_new, news);
}

// All checks must pass, or one where any_check is said; the reason is that of the check that decides.
bus::ServerHealth Board::judge(const ServerKey& key, const Server& server) const {
  bus::ServerHealth health = server.health;
  health.service = key.service;
  health.server = key.server;
  health.checks = static_cast<unsigned>(server.checks.size());
  if (server.suspended) {
    if (health.since == 0) health.up = true;
    health.reason = "not probed: the VIP is not on this machine";
    return health;
  }
  health.reason = "no check configured";
  health.up = !server.any_check || server.checks.empty();
  health.certificate_until = 0;
  const CheckPolicy* speaker = nullptr;
  for (const auto id : server.checks) {
    const auto& check = running_.at(id);
    const auto& policy = check.policy;
    const bool decides = server.any_check ? policy.up() : !policy.up();
    const bool better = speaker == nullptr || (speaker->up() != policy.up() && decides) ||
                        (speaker->up() == policy.up() && speaker->latest().passed() && !policy.latest().passed());
    if (better) speaker = &policy;
    health.up = server.any_check ? health.up || policy.up() : health.up && policy.up();
    if (check.certificate_until != 0 &&
        (health.certificate_until == 0 || check.certificate_until < health.certificate_until))
      health.certificate_until = check.certificate_until;
  }
  if (speaker != nullptr) {
    health.reason = speaker->latest().reason;
    health.took_ms = static_cast<double>(speaker->latest().took.count()) / 1e3;
  }
  health.weight = weight_of(server);
  const auto watch = watches_.find(key.service);
  const auto* seen = watch == watches_.end() || !health.up ? nullptr : watch->second.reason(key.server);
  health.passive = seen != nullptr;
  if (seen != nullptr) {
    health.up = false;
    health.reason = *seen;
  }
  return health;
}

// As in keepalived, where several checks change the weight each adds its difference to what is configured.
std::optional<int> Board::weight_of(const Server& server) const {
  std::int64_t difference = 0;
  int percent = 100;
  bool said = false;
  for (const auto id : server.checks) {
    const auto& word = running_.at(id).policy.latest().weight;
    said = said || word.kind != WeightWord::Kind::none;
    if (word.kind == WeightWord::Kind::absolute) difference += word.value - server.weight;
    if (word.kind == WeightWord::Kind::added) difference += word.value;
    if (word.kind == WeightWord::Kind::percent) percent = std::min(percent, word.value);
  }
  if (!said) return std::nullopt;
  return share(static_cast<int>(std::clamp<std::int64_t>(server.weight + difference, 0, most_weight)), percent);
}

void Board::refresh(const ServerKey& key, Server& server, double now, bool is_new, News& news) const {
  auto health = judge(key, server);
  const auto& before = server.health;
  const bool turned = !is_new && health.up != before.up;
  if (is_new || turned) health.since = now;
  const bool weighed = !is_new && health.weight != before.weight;
  if (is_new || turned || weighed || health.reason != before.reason || health.checks != before.checks ||
      health.passive != before.passive || health.certificate_until != before.certificate_until) {
    news.publish.push_back(health);
    if (turned) news.events.push_back(turned_event(health));
    if (weighed && health.up && !turned) {
      news.events.push_back(event_of(health, now,
                                     fmt::format("{}: server {} has weight {} ({})", key.service, key.server,
                                                 health.weight.value_or(server.weight), health.reason),
                                     "notice"));
    }
  }
  server.health = std::move(health);
}

// Told once a day while its end is near.
void Board::watch_certificate(Running& check, const Verdict& verdict, double now, News& news) const {
  if (verdict.certificate_until == 0) return;
  check.certificate_until = verdict.certificate_until;
  const auto left = verdict.certificate_until - now;
  const auto warning = std::chrono::duration<double>(check.expiry_warning).count();
  const auto days = static_cast<std::int64_t>(left / day);
  if (warning <= 0 || left > warning) {
    check.days_told = std::numeric_limits<std::int64_t>::max();
    return;
  }
  if (days >= check.days_told) return;
  check.days_told = days;
  for (const auto& key : check.users) {
    bus::ServerHealth health;
    health.service = key.service;
    health.server = key.server;
    const auto when = left <= 0   ? std::string{"has ended"}
                      : days == 0 ? std::string{"ends within a day"}
                                  : fmt::format("ends in {} day{}", days, days == 1 ? "" : "s");
    news.events.push_back(event_of(
        health, now, fmt::format("{}: server {}: its TLS certificate {}", key.service, key.server, when), "warning"));
  }
}

Board::Outcome Board::on_verdict(CheckId id, const Verdict& verdict, double now) {
  auto& check = running_.at(id);
  const auto until = check.certificate_until;
  const auto step = check.policy.on_verdict(verdict);
  Outcome outcome{step.wait, {}};
  watch_certificate(check, verdict, now, outcome.news);
  if (check.log_all && check.policy.failures() > 0) {
    for (const auto& key : check.users)
      outcome.news.log.push_back(fmt::format("{}: server {}: failure {} in a row, not down yet ({})", key.service,
                                             key.server, check.policy.failures(), verdict.reason));
  }
  bool is_back = false;
  for (const auto& key : check.users) is_back = (verdict.passed() && passed_for(key, now)) || is_back;
  if (step.change == CheckPolicy::Change::none && until == check.certificate_until && !is_back) return outcome;
  for (const auto& key : check.users) refresh(key, servers_.at(key), now, false, outcome.news);
  return outcome;
}

// Held by passive health, it may come back where this probe and with it all its checks pass.
bool Board::passed_for(const ServerKey& key, double now) {
  const auto watch = watches_.find(key.service);
  if (watch == watches_.end() || watch->second.reason(key.server) == nullptr) return false;
  const auto& checks = servers_.at(key).checks;
  if (!std::ranges::all_of(checks, [&](CheckId id) { return running_.at(id).policy.up(); })) return false;
  return !watch->second.on_passed(key.server, now).turned.empty();
}

void Board::adopt_watches(const Difference& difference) {
  auto old = decltype(watches_){};
  for (const auto& [name, before] : difference.before) {
    if (auto watch = watches_.extract(name); !watch.empty()) old.insert(std::move(watch));
  }
  for (const auto& [service, suspended] : difference.now) {
    if (!service->passive_check) continue;
    auto& watch = watches_[service->name];
    if (auto known = old.extract(service->name); !known.empty()) watch = std::move(known.mapped());
    watch.configure(*service);
  }
}

bool Board::is_up_by_checks(const ServerKey& key) const {
  const auto found = servers_.find(key);
  return found != servers_.end() && (found->second.health.up || found->second.health.passive);
}

void Board::take(const std::string& service, const PassiveWatch::Outcome& outcome, double now, Passive& passive) {
  for (const auto& name : outcome.turned) {
    const ServerKey key{service, name};
    if (const auto server = servers_.find(key); server != servers_.end())
      refresh(key, server->second, now, false, passive.news);
  }
  for (const auto& name : outcome.probe) {
    const auto server = servers_.find({service, name});
    if (server == servers_.end()) continue;
    for (const auto id : server->second.checks) {
      running_.at(id).policy.suspect();
      passive.probe.push_back(id);
    }
  }
}

Board::Passive Board::on_traffic(const bus::ServiceTraffic& traffic, double now) {
  Passive passive;
  const auto watch = watches_.find(traffic.service);
  if (watch == watches_.end()) return passive;
  const auto is_up = [&](const std::string& server) { return is_up_by_checks({traffic.service, server}); };
  take(traffic.service, watch->second.on_traffic(traffic, is_up, now), now, passive);
  return passive;
}

Board::Passive Board::on_hold_end(double now) {
  Passive passive;
  for (auto& [service, watch] : watches_) take(service, watch.on_time(now), now, passive);
  return passive;
}

std::optional<double> Board::next_hold() const {
  std::optional<double> earliest;
  for (const auto& [service, watch] : watches_) {
    if (const auto next = watch.next()) earliest = std::min(earliest.value_or(*next), *next);
  }
  return earliest;
}

config::Duration Board::first_delay(CheckId id, double random) const {
  return running_.at(id).policy.first_delay(random);
}

}  // namespace ballast::checkd
