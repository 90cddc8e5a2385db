#include "daemons/forwardd/ipvs/table.hpp"

#include <linux/ip_vs.h>

namespace ballast::forwardd::ipvs {
namespace {

Settings settings_of(const DesiredService& service) {
  Settings made;
  made.scheduler = std::string{name_of(service.scheduler)};
  const auto flag = [&](bool on, std::uint32_t bit) { made.flags |= on ? bit : 0U; };
  flag(service.persistence_timeout.count() > 0, IP_VS_SVC_F_PERSISTENT);
  flag(service.one_packet, IP_VS_SVC_F_ONEPACKET);
  flag(service.hash_fallback, IP_VS_SVC_F_SCHED1);
  flag(service.hash_port, IP_VS_SVC_F_SCHED2);
  flag(service.third_flag, IP_VS_SVC_F_SCHED3);
  made.timeout =
      static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(service.persistence_timeout).count());
  made.prefix = service.family == net::Family::ipv4 ? service.persistence_prefix4 : service.persistence_prefix6;
  made.engine = service.persistence_engine;
  return made;
}

/// `port`: of the address; 0: of every port, or a mark, where a method that cannot change ports has none.
Destinations destinations_of(const DesiredService& service, std::uint16_t port) {
  Destinations all;
  for (const auto& server : service.servers) {
    if (server.status == bus::ServerStatus::down && !server.keeps_connections && server.weight == 0) continue;
    auto endpoint = server.endpoint;
    if (endpoint.port == 0 || (port == 0 && server.method != config::Method::nat)) endpoint.port = port;
    const Destination made{.method = server.method,
                           .tunnel = server.method == config::Method::tun ? server.tunnel : config::Tunnel{},
                           .weight = static_cast<std::uint32_t>(server.weight),
                           .upper_threshold = server.upper_threshold,
                           .lower_threshold = server.lower_threshold};
    // A sorry server may be one of the others, too.
    const auto [known, fresh] = all.emplace(endpoint, made);
    if (!fresh && made.weight > 0) known->second = made;
  }
  return all;
}

}  // namespace

std::string ServiceKey::to_string() const {
  if (fwmark != 0) return fmt::format("fwmark {}{}", fwmark, family == net::Family::ipv6 ? " (IPv6)" : "");
  for (const auto& [known, name] : enum_names(static_cast<config::Protocol*>(nullptr))) {
    if (static_cast<std::uint8_t>(known) == protocol) return fmt::format("{} {}", name, endpoint);
  }
  return fmt::format("protocol {} {}", protocol, endpoint);
}

Table translate(const DesiredService& service) {
  Table table;
  const auto settings = settings_of(service);
  for (const auto& endpoint : service.endpoints) {
    table[{service.family, 0, static_cast<std::uint8_t>(service.protocol), endpoint}] = {
        settings, destinations_of(service, endpoint.port)};
  }
  for (const auto mark : service.fwmarks)
    table[{service.family, mark, 0, {}}] = {settings, destinations_of(service, 0)};
  return table;
}

std::string Change::to_string() const {
  using enum Kind;
  switch (kind) {
    case add_service:
      return fmt::format("add service {} with scheduler {}", service.to_string(), settings.scheduler);
    case set_service:
      return fmt::format("change service {}", service.to_string());
    case remove_service:
      return fmt::format("remove service {}", service.to_string());
    case add_destination:
      return fmt::format("add server {} of {}", server, service.to_string());
    case set_destination:
      return fmt::format("change server {} of {}", server, service.to_string());
    case remove_destination:
      return fmt::format("remove server {} of {}", server, service.to_string());
  }
  return {};
}

void add_difference(const ServiceKey& key, const Service* from, const Service* to, std::vector<Change>& changes) {
  using enum Change::Kind;
  if (to == nullptr) {
    if (from != nullptr) changes.push_back({.kind = remove_service, .service = key});
    return;
  }
  if (from == nullptr) {
    changes.push_back({.kind = add_service, .service = key, .settings = to->settings});
  } else if (from->settings != to->settings) {
    const bool reschedules = from->settings.scheduler != to->settings.scheduler;
    changes.push_back({.kind = set_service, .service = key, .settings = to->settings, .reschedules = reschedules});
  }
  for (const auto& [server, wanted] : to->destinations) {
    const Destination* known = nullptr;
    if (from != nullptr) {
      const auto found = from->destinations.find(server);
      if (found != from->destinations.end()) known = &found->second;
    }
    if (known != nullptr && *known == wanted) continue;
    changes.push_back({.kind = known == nullptr ? add_destination : set_destination,
                       .service = key,
                       .server = server,
                       .destination = wanted});
  }
  if (from == nullptr) return;
  for (const auto& [server, known] : from->destinations) {
    if (!to->destinations.contains(server))
      changes.push_back({.kind = remove_destination, .service = key, .server = server});
  }
}

void carry_out(const Change& change, Table& table) {
  using enum Change::Kind;
  switch (change.kind) {
    case add_service:
      table[change.service] = {change.settings, {}};
      break;
    case set_service:
      table[change.service].settings = change.settings;
      break;
    case remove_service:
      table.erase(change.service);
      break;
    case add_destination:
    case set_destination:
      table[change.service].destinations[change.server] = change.destination;
      break;
    case remove_destination:
      table[change.service].destinations.erase(change.server);
      break;
  }
}

}  // namespace ballast::forwardd::ipvs
