#include "daemons/scriptd/policy/service_notices.hpp"

namespace ballast::scriptd {
namespace {

constexpr std::string_view group_word = "group:";

std::string endpoint_text(const net::Endpoint& endpoint, std::string_view protocol) {
  return fmt::format("[{}]:{}:{}", endpoint.address, protocol, endpoint.port);
}

std::string_view protocol_text(const config::VirtualServer& service) { return name_of(service.protocol); }

/// A virtual_server_group has no port of its own: keepalived writes 0.
std::string service_text(const config::VirtualServer& service) {
  const auto protocol = protocol_text(service);
  const auto group = std::string{protocol} + ":" + std::string{group_word};
  if (service.name.starts_with(group)) return fmt::format("[{}]:0", service.name.substr(group.size()));
  return service.endpoints.empty() ? service.name : endpoint_text(service.endpoints.front(), protocol);
}

constexpr auto removed = "removed from the configuration";

}  // namespace

std::string fifo_line(const ServiceNotice& notice) {
  const auto* state = notice.up ? "UP" : "DOWN";
  if (notice.server.empty()) return fmt::format("VS {} {}\n", notice.service, state);
  return fmt::format("RS {} {} {}\n", notice.server, notice.service, state);
}

ServiceTeller::ServiceTeller(const nlohmann::json& record) {
  if (!record.is_object()) return;
  auto& before = before_.emplace();
  const auto services = record.find("services");
  if (services != record.end() && services->is_object()) {
    for (const auto& [name, up] : services->items()) {
      if (up.is_boolean()) before[name] = state_of(up.get<bool>());
    }
  }
  const auto down = record.find("down");
  if (down == record.end() || !down->is_array()) return;
  for (const auto& name : *down) {
    if (name.is_string()) before[name.get<std::string>()] = State::down;
  }
}

nlohmann::json ServiceTeller::record() const {
  auto services = nlohmann::json::object();
  for (const auto& [name, service] : services_) {
    if (service.told != State::unknown) services[name] = service.told == State::up;
  }
  auto down = nlohmann::json::array();
  for (const auto& [name, server] : servers_) {
    if (server.told == State::down) down.push_back(name);
  }
  return {{"services", std::move(services)}, {"down", std::move(down)}};
}

bool tells_of_services(const config::Model& model) {
  const auto& scripts = model.global.scripts;
  if (!scripts.fifo.path.empty() || !scripts.lvs_fifo.path.empty() || !model.global.mail.to.empty()) return true;
  const auto tells = [](const config::RealServer& server) { return server.notify_up || server.notify_down; };
  return std::ranges::any_of(model.virtual_servers, [&](const config::VirtualServer& service) {
    return !service.quorum_up.words.empty() || !service.quorum_down.words.empty() ||
           std::ranges::any_of(service.real_servers, tells) ||
           std::ranges::any_of(service.sources, [&](const auto& source) { return tells(source.like); });
  });
}

void ServiceTeller::adopt(const config::VirtualServer& configured, Services& before) {
  auto& service = services_[configured.name];
  if (const auto known = before.find(configured.name); known != before.end()) {
    service.seen = known->second.seen;
    service.told = std::exchange(known->second.told, State::unknown);
  } else if (const auto early = seen_.extract(configured.name); !early.empty()) {
    service.seen = early.mapped();
  }
  if (before_) {
    if (const auto told = before_->find(configured.name); told != before_->end()) service.told = told->second;
  }
  service.text = service_text(configured);
  service.protocol = protocol_text(configured);
  service.up = configured.quorum_up;
  service.down = configured.quorum_down;
  service.omega = configured.omega;
  service.mail = configured.mail;
  if (!configured.sources.empty())
    service.like = std::make_shared<const config::RealServer>(configured.sources.front().like);
  for (const auto& server : configured.real_servers) {
    const auto name = configured.name + "/" + server.endpoint.to_string();
    auto& entry = servers_[name];
    adopt(entry, service, server, server.endpoint);
    take_record(name, entry);
  }
}

void ServiceTeller::adopt(Server& server, Service& service, const config::RealServer& configured,
                          const net::Endpoint& endpoint) {
  server.service = &service;
  server.endpoint = endpoint;
  server.up = configured.notify_up;
  server.down = configured.notify_down;
  server.mail = configured.mail;
  server.kept = true;
}

/// Before the restart every server was told of; those that are not in the record as up.
void ServiceTeller::take_record(const std::string& name, Server& server) {
  if (before_ && server.told == State::unknown) server.told = before_->contains(name) ? State::down : State::up;
}

/// The service that a server may belong to though it is not written down: its sources may have found it.
ServiceTeller::Service* ServiceTeller::source_of(const std::string& name) {
  const auto slash = name.rfind('/');
  const auto found = services_.find(name.substr(0, slash));
  return slash != std::string::npos && found != services_.end() && found->second.like ? &found->second : nullptr;
}

std::vector<ServiceNotice> ServiceTeller::configure(const config::Model& model) {
  auto before = std::exchange(services_, {});
  for (auto& [name, server] : servers_) server.kept = false;
  initial_servers_ = model.global.scripts.initial_servers;
  for (const auto& service : model.virtual_servers) adopt(service, before);
  Notices notices;
  for (auto entry = servers_.begin(); entry != servers_.end();) {
    auto& [name, server] = *entry;
    auto* source = server.kept || server.seen == State::unknown ? nullptr : source_of(name);
    if (source != nullptr) {
      const auto endpoint = net::Endpoint::parse(name.substr(name.rfind('/') + 1));
      if (endpoint) adopt(server, *source, *source->like, *endpoint);
      take_record(name, server);
    }
    if (!server.kept) {
      if (server.told == State::up) tell(name, server, State::down, removed, notices);
      server.told = State::unknown;
      server.service = nullptr;
    } else {
      look(name, server, {}, notices);
    }
    entry = !server.kept && server.seen == State::unknown ? servers_.erase(entry) : std::next(entry);
  }
  for (auto& [name, service] : before) {
    if (services_.contains(name)) continue;
    if (service.told == State::up) tell(name, service, State::down, removed, notices);
    if (service.seen != State::unknown) seen_[name] = service.seen;
  }
  for (auto& [name, service] : services_) look(name, service, {}, notices);
  changed_ = true;
  before_.reset();
  return notices;
}

std::vector<ServiceNotice> ServiceTeller::on_server(const std::string& name,
                                                    const std::optional<bus::ServerHealth>& health) {
  Notices notices;
  if (!health) {
    const auto found = servers_.find(name);
    if (found == servers_.end()) return notices;
    found->second.seen = State::unknown;
    if (found->second.service != nullptr && found->second.service->like != nullptr && found->second.told == State::up)
      tell(name, found->second, State::down, "no longer found", notices);
    if (found->second.service == nullptr || found->second.service->like != nullptr) servers_.erase(found);
    return notices;
  }
  auto& server = servers_[name];
  server.seen = state_of(health->up);
  if (auto* source = server.service == nullptr ? source_of(name) : nullptr; source != nullptr) {
    if (const auto endpoint = net::Endpoint::parse(health->server); endpoint)
      adopt(server, *source, *source->like, *endpoint);
  }
  look(name, server, health->reason, notices);
  return notices;
}

std::vector<ServiceNotice> ServiceTeller::on_service(const std::string& name,
                                                     const std::optional<bus::ServiceState>& state) {
  Notices notices;
  const auto found = services_.find(name);
  const auto seen = state ? state_of(state->state == bus::ServerStatus::up) : State::unknown;
  if (found != services_.end()) {
    found->second.seen = seen;
    look(name, found->second, state ? state->reason : "", notices);
  } else if (seen == State::unknown) {
    seen_.erase(name);
  } else {
    seen_[name] = seen;
  }
  return notices;
}

void ServiceTeller::look(const std::string& name, Service& service, const std::string& reason, Notices& notices) {
  if (!ended_ && service.seen != State::unknown && service.seen != service.told)
    tell(name, service, service.seen, reason, notices);
}

void ServiceTeller::look(const std::string& name, Server& server, const std::string& reason, Notices& notices) {
  if (ended_ || server.service == nullptr || server.seen == State::unknown || server.seen == server.told) return;
  if (server.told != State::unknown || initial_servers_) return tell(name, server, server.seen, reason, notices);
  server.told = server.seen;
  changed_ = true;
}

void ServiceTeller::tell(const std::string& name, Service& service, State state, const std::string& reason,
                         Notices& notices) {
  service.told = state;
  changed_ = true;
  const bool up = state == State::up;
  notices.push_back({name, up, service.text, {}, up ? service.up : service.down, service.mail, reason});
}

void ServiceTeller::tell(const std::string& name, Server& server, State state, const std::string& reason,
                         Notices& notices) {
  server.told = state;
  changed_ = true;
  const bool up = state == State::up;
  const auto& command = up ? server.up : server.down;
  notices.push_back({name, up, server.service->text, endpoint_text(server.endpoint, server.service->protocol),
                     command ? *command : config::Command{}, server.mail, reason});
}

std::vector<ServiceNotice> ServiceTeller::stop() {
  Notices notices;
  constexpr auto why = "Ballast ends";
  ended_ = true;
  for (auto& [name, server] : servers_) {
    if (server.service != nullptr && server.service->omega && server.told == State::up)
      tell(name, server, State::down, why, notices);
  }
  for (auto& [name, service] : services_) {
    if (service.omega && service.told == State::up) tell(name, service, State::down, why, notices);
  }
  return notices;
}

}  // namespace ballast::scriptd
