#include "tools/ballastctl/status.hpp"

#include <algorithm>
#include <array>

#include "tools/ballastctl/changes.hpp"

namespace ballast::ctl {
namespace {

constexpr std::array<const char*, 5> family{"ballastd", "vrrpd", "scriptd", "checkd", "forwardd"};

using HealthMap = std::map<std::pair<std::string, std::string>, bus::ServerHealth>;
using AdminMap = std::map<std::pair<std::string, std::string>, bus::ServerAdmin>;

template <class T>
std::map<std::pair<std::string, std::string>, T> by_server(const Topics& topics, const std::string& prefix) {
  std::map<std::pair<std::string, std::string>, T> result;
  for (auto& value : values_of<T>(topics, prefix)) {
    auto key = std::pair{value.service, value.server};
    result.emplace(std::move(key), std::move(value));
  }
  return result;
}

bus::ServiceServer server_of(const config::VirtualServer& service, const config::RealServer& configured,
                             const HealthMap& healths, const AdminMap& admins) {
  const auto key = std::pair{service.name, configured.endpoint.to_string()};
  bus::ServiceServer server;
  server.address = configured.endpoint.address.to_string();
  server.port = configured.endpoint.port;
  server.method = configured.method;
  server.weight = configured.weight;
  server.reason = "not known to checkd";
  if (const auto health = healths.find(key); health != healths.end()) {
    server.state = health->second.up ? bus::ServerStatus::up : bus::ServerStatus::down;
    server.reason = health->second.reason;
  }
  if (const auto admin = admins.find(key); admin != admins.end()) {
    const bool disabled = admin->second.state == bus::AdminState::disable;
    server.state = disabled ? bus::ServerStatus::down : bus::ServerStatus::drain;
    server.reason = fmt::format("{} by {}", disabled ? "disabled" : "drained", admin->second.by);
  }
  return server;
}

bus::ServiceState service_of(const config::VirtualServer& configured, const HealthMap& healths,
                             const AdminMap& admins) {
  bus::ServiceState service;
  service.name = configured.name;
  if (!configured.endpoints.empty()) {
    service.address = configured.endpoints.front().address.to_string();
    service.port = configured.endpoints.front().port;
  }
  service.protocol = configured.protocol;
  service.engine = configured.engine;
  service.method = configured.method;
  service.scheduler = configured.scheduler;
  service.reason = "forwardd has not said anything of it";
  int weight = 0;
  for (const auto& server : configured.real_servers) {
    service.servers.push_back(server_of(configured, server, healths, admins));
    if (service.servers.back().state == bus::ServerStatus::up) weight += server.weight;
  }
  service.state = weight >= static_cast<int>(configured.quorum) ? bus::ServerStatus::up : bus::ServerStatus::down;
  return service;
}

std::vector<bus::ServiceState> services_of(const Sources& sources) {
  if (sources.fresh) return *sources.fresh;
  auto services = values_of<bus::ServiceState>(sources.topics, "service/");
  if (!services.empty() || !sources.model) return services;
  const auto healths = by_server<bus::ServerHealth>(sources.topics, "health/");
  const auto admins = by_server<bus::ServerAdmin>(sources.topics, "admin/");
  for (const auto& configured : sources.model->virtual_servers)
    services.push_back(service_of(configured, healths, admins));
  return services;
}

nlohmann::json json_of(const DaemonStatus& daemon) {
  if (!daemon.running) return {{"role", daemon.role}, {"running", false}};
  nlohmann::json json = *daemon.running;
  json["running"] = true;
  return json;
}

/// What differs from the file stands at the service or server, too.
void mark(nlohmann::json& service, const std::vector<bus::Change>& changes) {
  using config::AmendKind;
  const auto name = service.at("name").get<std::string>();
  const auto put = [&](nlohmann::json& json, AmendKind kind, const std::string& server) {
    if (const auto* change = find_change(changes, kind, name, server)) json["change"] = brief(*change);
  };
  put(service, AmendKind::add_service, "");
  for (auto& server : service.at("servers")) {
    const auto address = net::IpAddress::parse(server.at("address").get<std::string>());
    if (!address) continue;
    const auto endpoint = net::Endpoint{*address, server.at("port").get<std::uint16_t>()}.to_string();
    put(server, AmendKind::add_server, endpoint);
    put(server, AmendKind::server_weight, endpoint);
  }
}

}  // namespace

Status gather(const Sources& sources) {
  Status status;
  status.name = sources.host;
  for (const auto* role : family) {
    DaemonStatus daemon{role, std::nullopt};
    if (const auto found = sources.topics.find(std::string{"node/"} + role); found != sources.topics.end()) {
      if (auto state = bus::decode<bus::NodeState>(found->second)) daemon.running = std::move(*state);
    }
    if (daemon.running && daemon.role == "ballastd") {
      status.version = daemon.running->version;
      status.since = daemon.running->since;
    }
    status.daemons.push_back(std::move(daemon));
  }
  status.vrrp = values_of<bus::VrrpState>(sources.topics, "vrrp/");
  status.services = services_of(sources);
  status.changes = values_of<bus::Change>(sources.topics, "change/");
  std::ranges::sort(status.changes, {}, &bus::Change::number);
  return status;
}

nlohmann::json to_json(const Status& status) {
  nlohmann::json json;
  json["node"] = {{"name", status.name}, {"version", status.version}, {"since", status.since}};
  json["daemons"] = nlohmann::json::array();
  for (const auto& daemon : status.daemons) json["daemons"].push_back(json_of(daemon));
  json["vrrp"] = status.vrrp;
  json["services"] = status.services;
  json["changes"] = nlohmann::json::array();
  for (const auto& change : status.changes) json["changes"].push_back(brief(change));
  for (auto& service : json["services"]) mark(service, status.changes);
  return json;
}

}  // namespace ballast::ctl
