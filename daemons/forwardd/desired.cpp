#include "daemons/forwardd/desired.hpp"

#include <algorithm>

#include "daemons/forwardd/roles.hpp"
#include "daemons/forwardd/slow_start.hpp"

namespace ballast::forwardd {
namespace {

using bus::ServerStatus;

/// One server as judged: what the data path does with it and what a person is told.
struct Judged {
  DesiredServer desired;
  bus::ServiceServer report;
  bool settled = true;  ///< what `report` says of it may be remembered
};

bool starts_down(const config::VirtualServer& service, const config::RealServer& server) {
  return !server.checks.empty() &&
         (service.alpha || std::ranges::any_of(server.checks, [](const auto& check) { return check.alpha; }));
}

struct Health {
  bool up = true;
  std::string reason;
  std::optional<int> weight{};  ///< that checks put in the place of the configured one
  bool settled = true;          ///< false: nothing has been found out yet
};

Health health_of(const config::VirtualServer& service, const config::RealServer& server, const Inputs& inputs) {
  const auto known = inputs.health.find(server_key(service.name, server.endpoint));
  if (known != inputs.health.end()) {
    const auto& said = known->second;
    return {said.up, said.reason, said.weight, said.up || said.passive || said.took_ms > 0};
  }
  if (server.checks.empty()) return {true, "nothing checks it"};
  if (starts_down(service, server)) return {false, "not checked yet, and alpha starts it down", {}, false};
  return {true, "not checked yet"};
}

void judge_failed(const config::VirtualServer& service, const config::RealServer& server, Judged& judged) {
  judged.desired.status = ServerStatus::down;
  judged.desired.weight = 0;
  // An answer lost is cheap for UDP, where every packet can go to another server.
  const bool kept = service.protocol == config::Protocol::tcp && !service.expire_nodest;
  judged.desired.keeps_connections = server.inhibit_on_failure || kept;
}

Judged judge(const config::VirtualServer& service, const config::RealServer& server, const Inputs& inputs) {
  Judged judged;
  auto health = health_of(service, server, inputs);
  const int weight = health.weight.value_or(server.weight);
  judged.settled = health.settled;
  judged.desired = {.endpoint = server.endpoint,
                    .method = server.method,
                    .tunnel = server.tunnel,
                    .weight = weight,
                    .upper_threshold = server.upper_threshold,
                    .lower_threshold = server.lower_threshold,
                    .status = ServerStatus::up,
                    .watched = service.passive_check && service.protocol == config::Protocol::tcp};
  judged.report.reason = std::move(health.reason);
  const auto admin = inputs.admin.find(server_key(service.name, server.endpoint));
  if (admin != inputs.admin.end() && admin->second == bus::AdminState::disable) {
    judged.desired.status = ServerStatus::down;
    judged.desired.weight = 0;
    judged.desired.keeps_connections = false;
    judged.report.reason = "disabled by the operator";
  } else if (!health.up) {
    judge_failed(service, server, judged);
  } else if (admin != inputs.admin.end()) {
    judged.desired.status = ServerStatus::drain;
    judged.desired.weight = 0;
    judged.report.reason = "drained by the operator";
  } else if (weight == 0) {
    judged.desired.status = ServerStatus::drain;
    if (!health.weight) judged.report.reason = "weight 0: no new connections";
  }
  judged.report.address = server.endpoint.address.to_string();
  judged.report.port = server.endpoint.port;
  judged.report.method = server.method;
  judged.report.weight = judged.desired.weight;
  judged.report.state = judged.desired.status;
  return judged;
}

bool holds_quorum(const config::VirtualServer& service, std::uint64_t weight, bool any_up, const Memory& past) {
  if (!any_up) return false;
  if (!past.quorum) return weight >= service.quorum;
  if (!*past.quorum) return weight >= std::uint64_t{service.quorum} + service.hysteresis;
  return weight + service.hysteresis >= service.quorum;
}

void add_sorry_server(const config::SorryServer& sorry, bool answers, DesiredService& desired,
                      bus::ServiceState& report) {
  const auto state = answers ? ServerStatus::up : ServerStatus::drain;
  desired.servers.push_back({.endpoint = sorry.endpoint,
                             .method = sorry.method,
                             .tunnel = sorry.tunnel,
                             .weight = answers ? 1 : 0,
                             .status = state});
  bus::ServiceServer entry;
  entry.address = sorry.endpoint.address.to_string();
  entry.port = sorry.endpoint.port;
  entry.method = sorry.method;
  entry.weight = desired.servers.back().weight;
  entry.state = state;
  entry.reason = answers ? "sorry server: it answers for the service" : "sorry server: its connections go on";
  report.servers.push_back(std::move(entry));
}

/// New connections go to the sorry server alone while the quorum is lost; those of the servers that are left go on. Its
/// own end with that, unless sorry_server_inhibit keeps them.
void place_sorry_server(const config::SorryServer& sorry, bool quorum, DesiredService& desired,
                        bus::ServiceState& report) {
  if (quorum && !sorry.inhibit) return;
  if (!quorum) {
    for (auto& server : desired.servers) server.weight = 0;
    report.sorry = true;
    report.reason += "; the sorry server answers";
  }
  add_sorry_server(sorry, !quorum, desired, report);
}

/// when_all_down all: probes may be wrong where all fail, so all servers take connections that an operator has not
/// taken out.
void fail_open(const config::VirtualServer& service, const Inputs& inputs, DesiredService& desired,
               bus::ServiceState& report) {
  bool any = false;
  for (std::size_t i = 0; i < service.real_servers.size(); ++i) {
    const auto& server = service.real_servers[i];
    if (server.weight == 0 || inputs.admin.contains(server_key(service.name, server.endpoint))) continue;
    desired.servers[i].status = ServerStatus::up;
    desired.servers[i].weight = report.servers[i].weight = server.weight;
    any = true;
  }
  if (any) report.reason += ": all get new connections (when_all_down all)";
}

std::string state_in_words(const config::VirtualServer& service, bool quorum, std::uint64_t weight, std::size_t up) {
  if (service.real_servers.empty()) return "it has no real server";
  if (up == 0) return fmt::format("none of {} servers is up", service.real_servers.size());
  if (!quorum) {
    return fmt::format("quorum lost: servers of weight {} are up, {} needed", weight, service.quorum);
  }
  return fmt::format("{} of {} servers up", up, service.real_servers.size());
}

std::string role_in_words(const std::set<std::string>& instances, const std::map<std::string, bus::VrrpRole>& roles) {
  std::string words;
  for (const auto& instance : instances) {
    const auto role = roles.find(instance);
    words += fmt::format("; {} is {}", instance,
                         role == roles.end() ? std::string_view{"not known yet"} : name_of(role->second));
  }
  return words;
}

bus::ServiceState describe(const config::VirtualServer& service) {
  bus::ServiceState report;
  report.name = service.name;
  const bool one = service.endpoints.size() == 1;
  report.address = one ? service.endpoints.front().address.to_string() : service.name;
  report.port = service.endpoints.empty() ? std::uint16_t{0} : service.endpoints.front().port;
  report.protocol = service.protocol;
  report.engine = service.engine;
  report.method = service.method;
  report.scheduler = service.scheduler;
  return report;
}

DesiredService take_over(const config::Global& global, const config::VirtualServer& service) {
  DesiredService desired;
  desired.name = service.name;
  desired.engine = service.engine;
  desired.endpoints = service.endpoints;
  desired.fwmarks = service.fwmarks;
  desired.family = service.family;
  desired.protocol = service.protocol;
  desired.method = service.method;
  desired.scheduler = service.scheduler;
  desired.hash_port = service.hash_port;
  desired.hash_fallback = service.hash_fallback;
  desired.third_flag = service.third_flag;
  desired.local_addresses = service.local_addresses;
  desired.client_address = service.client_address;
  desired.persistence_timeout = service.persistence_timeout;
  desired.persistence_prefix4 = service.persistence_prefix4;
  desired.persistence_prefix6 = service.persistence_prefix6;
  desired.persistence_engine = service.persistence_engine;
  desired.one_packet = service.one_packet;
  desired.sloppy_tcp = service.sloppy_tcp;
  desired.timeouts = service.timeouts.value_or(global.lvs_timeouts);
  return desired;
}

}  // namespace

std::string server_key(const std::string& service, const net::Endpoint& server) {
  return service + "/" + server.to_string();
}

ComputedService compute(const config::Global& global, const config::VirtualServer& service,
                        const std::set<std::string>& instances, const Inputs& inputs, const Memory& past, double now) {
  ComputedService result;
  result.report = describe(service);
  result.desired = take_over(global, service);
  auto& desired = result.desired;
  auto& report = result.report;
  std::uint64_t weight = 0;
  std::size_t up = 0;
  for (const auto& server : service.real_servers) {
    auto judged = judge(service, server, inputs);
    const bool settled = judged.settled || past.servers.contains(server.endpoint);
    if (settled) remember(server.endpoint, judged.desired.status, service.slow_start, now, past, result.memory);
    if (judged.desired.status == ServerStatus::up) {
      ++up;
      weight += static_cast<std::uint64_t>(judged.desired.weight);
    }
    desired.servers.push_back(std::move(judged.desired));
    report.servers.push_back(std::move(judged.report));
  }
  const bool quorum = holds_quorum(service, weight, up > 0, past);
  result.memory.quorum = quorum;
  report.state = quorum ? ServerStatus::up : ServerStatus::down;
  report.reason = state_in_words(service, quorum, weight, up);
  if (service.sorry_server)
    place_sorry_server(*service.sorry_server, quorum, desired, report);
  else if (up == 0 && service.when_all_down == config::WhenAllDown::all)
    fail_open(service, inputs, desired, report);
  result.again = slow_down(service, result.memory, now, desired.servers, report.servers);
  const auto role = role_state(instances, inputs.roles);
  desired.role = role_name(instances);
  report.forwarding = role.forwarding;
  if (!role.forwarding) report.reason += role_in_words(instances, inputs.roles);
  return result;
}

}  // namespace ballast::forwardd
