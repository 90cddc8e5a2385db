#include "common/config/amend.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

namespace ballast::config {
namespace {

constexpr int most_weight = 65'535;

std::string_view family_of(const net::IpAddress& address) { return address.is_v4() ? "IPv4" : "IPv6"; }

bool connects(CheckKind kind) { return kind != CheckKind::misc && kind != CheckKind::file; }
bool has_port(CheckKind kind) { return connects(kind) && kind != CheckKind::ping; }

auto find(const Model& model, const std::string& name) {
  return std::ranges::find(model.virtual_servers, name, &VirtualServer::name);
}

auto find_server(auto& service, const net::Endpoint& endpoint) {
  return std::ranges::find(service.real_servers, endpoint, &RealServer::endpoint);
}

Error no_service(const Model& model, const std::string& name) {
  constexpr std::size_t enough = 20;
  std::vector<std::string> names;
  for (const auto& each : model.virtual_servers) {
    if (names.size() == enough) {
      names.emplace_back("…");
      break;
    }
    names.push_back(each.name);
  }
  if (names.empty()) return fail("no service '{}'; there is none", name);
  return fail("no service '{}'; there are {}", name, fmt::join(names, ", "));
}

Error no_server(const VirtualServer& service, const net::Endpoint& endpoint) {
  std::vector<std::string> names;
  for (const auto& each : service.real_servers) names.push_back(each.endpoint.to_string());
  if (names.empty()) return fail("no server {} in {}: there is none", endpoint, service.name);
  return fail("no server {} in {}; there are {}", endpoint, service.name, fmt::join(names, ", "));
}

Result<> family_fits(const VirtualServer& service, const RealServer& server) {
  if (service.endpoints.empty()) return {};
  const auto& own = service.endpoints.front().address;
  const auto& other = server.endpoint.address;
  const bool fits =
      own.family() == other.family() || server.method == Method::tun || (server.method == Method::fnat && own.is_v6());
  if (fits) return {};
  return fail("server {} is {}, its service is {}: {}", server.endpoint, family_of(other), family_of(own),
              server.method == Method::fnat ? "FNAT translates from IPv6 to IPv4, not the other way"
                                            : fmt::format("{} cannot translate between them", server.method));
}

Result<> port_fits(const VirtualServer& service, const RealServer& server) {
  const auto port = server.endpoint.port;
  const auto is_every = [](const auto& endpoint) { return endpoint.port == 0; };
  const bool every = std::ranges::any_of(service.endpoints, is_every);
  if (every && port != 0)
    return fail("the service is of every port and its connections keep theirs: name server {} without a port",
                server.endpoint.address);
  if (!every && port == 0) return fail("server {} has no port", server.endpoint.address);
  if (server.method != Method::dr && server.method != Method::tun) return {};
  for (const auto& endpoint : service.endpoints) {
    if (endpoint.port != 0 && endpoint.port != port)
      return fail("{} cannot change the port: the service's is {}, server {} has {}", server.method, endpoint.port,
                  server.endpoint.address, port);
  }
  return {};
}

Result<> checks_fit(const RealServer& server) {
  for (const auto& check : server.checks) {
    if (has_port(check.kind) && check.target.port == 0)
      return fail("{} has no port to probe: server {} is of every port", check.kind, server.endpoint.address);
    if (connects(check.kind) && check.bind && check.bind->address.family() != check.target.address.family())
      return fail("{} of server {} comes from {}: the families differ", check.kind, server.endpoint,
                  check.bind->address);
  }
  return {};
}

/// Whether a new service takes nothing that others have.
Result<> may_join(const Model& model, const VirtualServer& service) {
  const auto colon = service.name.find(':');
  const auto place = std::string_view{service.name}.substr(colon + 1);
  for (const auto& other : model.virtual_servers) {
    if (other.name == service.name) return fail("service {} exists already", service.name);
    const auto other_place = std::string_view{other.name}.substr(other.name.find(':') + 1);
    if (place.starts_with("group:") && place == other_place && other.endpoints != service.endpoints)
      return fail("{} has other addresses in service {}", place, other.name);
    if (other.protocol != service.protocol) continue;
    for (const auto& endpoint : service.endpoints) {
      if (std::ranges::find(other.endpoints, endpoint) != other.endpoints.end())
        return fail("a {} service at {} exists already: {}", service.protocol, endpoint, other.name);
    }
  }
  return {};
}

Result<AmendOutcome> amend_servers(VirtualServer& service, const Amendment& amendment) {
  const auto found = find_server(service, amendment.server);
  const bool there = found != service.real_servers.end();
  switch (amendment.kind) {
    case AmendKind::add_server: {
      if (there) return AmendOutcome{Amended::so_already, {}};
      if (!amendment.real_server) return fail("nothing is known of server {} but its address", amendment.server);
      if (const auto may = may_have(service, *amendment.real_server); !may) return may.error();
      service.real_servers.push_back(*amendment.real_server);
      return AmendOutcome{};
    }
    case AmendKind::remove_server:
      if (!there) return AmendOutcome{Amended::so_already, {}};
      service.real_servers.erase(found);
      return AmendOutcome{};
    default:
      if (!there) return no_server(service, amendment.server);
      if (amendment.weight < 0 || amendment.weight > most_weight)
        return fail("a weight is from 0 to {}, not {}", most_weight, amendment.weight);
      const auto before = std::exchange(found->weight, amendment.weight);
      return AmendOutcome{before == amendment.weight ? Amended::so_already : Amended::done, before};
  }
}

/// Servers removed, added (anew where more than the weight differs), and given another weight, in that order.
void compare_servers(const VirtualServer& from, const VirtualServer& to, std::vector<Amendment>& made) {
  const auto add = [&](AmendKind kind, const RealServer& server) -> Amendment& {
    return made.emplace_back(Amendment{.kind = kind, .service = to.name, .server = server.endpoint});
  };
  std::vector<const RealServer*> added;
  std::vector<const RealServer*> weighed;
  for (const auto& server : from.real_servers) {
    const auto now = find_server(to, server.endpoint);
    if (now == to.real_servers.end()) {
      add(AmendKind::remove_server, server);
      continue;
    }
    auto reweighed = server;
    reweighed.weight = now->weight;
    if (!(reweighed == *now)) {
      add(AmendKind::remove_server, server);
      added.push_back(&*now);
    } else if (server.weight != now->weight) {
      weighed.push_back(&*now);
    }
  }
  for (const auto& server : to.real_servers) {
    if (find_server(from, server.endpoint) == from.real_servers.end()) added.push_back(&server);
  }
  for (const auto* server : added) add(AmendKind::add_server, *server).real_server = *server;
  for (const auto* server : weighed) add(AmendKind::server_weight, *server).weight = server->weight;
}

/// Whether two services of a name differ in their servers alone.
bool same_but_servers(const VirtualServer& a, const VirtualServer& b) {
  auto with = a;
  with.real_servers = b.real_servers;
  return with == b;
}

}  // namespace

void to_json(nlohmann::json& json, const Amendment& value) {
  json = {{"kind", value.kind}, {"service", value.service}};
  if (is_about_server(value.kind)) json["server"] = value.server;
  if (value.kind == AmendKind::server_weight) json["weight"] = value.weight;
  if (value.real_server) json["real_server"] = *value.real_server;
  if (value.virtual_server) json["virtual_server"] = *value.virtual_server;
}

void from_json(const nlohmann::json& json, Amendment& value) {
  json.at("kind").get_to(value.kind);
  json.at("service").get_to(value.service);
  if (is_about_server(value.kind)) json.at("server").get_to(value.server);
  if (value.kind == AmendKind::server_weight) json.at("weight").get_to(value.weight);
  if (value.kind == AmendKind::add_server) value.real_server = json.at("real_server").get<RealServer>();
  if (value.kind == AmendKind::add_service) value.virtual_server = json.at("virtual_server").get<VirtualServer>();
}

std::string in_words(const Amendment& amendment) {
  switch (amendment.kind) {
    case AmendKind::add_server:
      return fmt::format("server {} added", amendment.server);
    case AmendKind::remove_server:
      return fmt::format("server {} removed", amendment.server);
    case AmendKind::server_weight:
      return fmt::format("weight of server {} is {}", amendment.server, amendment.weight);
    case AmendKind::add_service:
      return "added";
    case AmendKind::remove_service:
      return "removed";
  }
  return {};
}

RealServer instantiate(const RealServer& like, const net::Endpoint& endpoint) {
  auto made = like;
  made.endpoint = endpoint;
  for (auto& check : made.checks) {
    if (check.target.address == like.endpoint.address) check.target.address = endpoint.address;
    if (connects(check.kind) && check.target.port == like.endpoint.port) check.target.port = endpoint.port;
    // Where only the port that probes come from is said, the address is any of the family.
    if (check.bind && check.bind->address.is_unspecified() && check.target.address.is_v6())
      check.bind->address = net::IpAddress::v6(std::array<std::uint8_t, 16>{});
    else if (check.bind && check.bind->address.is_unspecified())
      check.bind->address = net::IpAddress{};
  }
  return made;
}

Result<> may_have(const VirtualServer& service, const RealServer& server) {
  const auto& address = server.endpoint.address;
  if (address.is_unspecified() || address.is_multicast()) return fail("{} is no server's address", address);
  if (find_server(service, server.endpoint) != service.real_servers.end())
    return fail("server {} is in {} already", server.endpoint, service.name);
  if (server.weight < 0 || server.weight > most_weight)
    return fail("a weight is from 0 to {}, not {}", most_weight, server.weight);
  if (const auto fits = family_fits(service, server); !fits) return fits;
  if (const auto fits = port_fits(service, server); !fits) return fits;
  if (const auto fits = checks_fit(server); !fits) return fits;
  return has_local_address(service, server);
}

Result<> has_local_address(const VirtualServer& service, const RealServer& server) {
  if (server.method != Method::fnat) return {};
  const auto& locals = service.local_addresses;
  const auto& address = server.endpoint.address;
  if (std::ranges::find(locals, address) != locals.end()) return fail("{} is a local address of the service", address);
  const auto fits = [&](const auto& local) { return local.family() == address.family(); };
  if (std::ranges::any_of(locals, fits)) return {};
  return fail("FNAT to {} needs a local address of {}, and {} has none", address, family_of(address), service.name);
}

Result<std::string> find_service(const Model& model, const std::string& typed) {
  std::vector<std::string> found;
  for (const auto& service : model.virtual_servers) {
    if (service.name == typed) return typed;
    if (std::string_view{service.name}.substr(service.name.find(':') + 1) == typed) found.push_back(service.name);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return no_service(model, typed);
  return fail("'{}' may be {}", typed, fmt::join(found, " or "));
}

Result<AmendOutcome> amend(Model& model, const Amendment& amendment) {
  const auto service = find(model, amendment.service);
  const bool known = service != model.virtual_servers.end();
  if (amendment.kind == AmendKind::add_service) {
    if (known) return AmendOutcome{Amended::so_already, {}};
    if (!amendment.virtual_server) return fail("nothing is known of service {} but its name", amendment.service);
    if (const auto may = may_join(model, *amendment.virtual_server); !may) return may.error();
    model.virtual_servers.push_back(*amendment.virtual_server);
    return AmendOutcome{};
  }
  if (!known && amendment.kind == AmendKind::remove_service) return AmendOutcome{Amended::so_already, {}};
  if (!known) return no_service(model, amendment.service);
  if (is_about_server(amendment.kind)) {
    const auto index = static_cast<std::size_t>(service - model.virtual_servers.begin());
    return amend_servers(model.virtual_servers[index], amendment);
  }
  model.virtual_servers.erase(service);
  return AmendOutcome{};
}

Result<std::vector<Amendment>> difference(const Model& from, const Model& to) {
  std::vector<Amendment> made;
  std::unordered_map<std::string_view, const VirtualServer*> before;
  for (const auto& service : from.virtual_servers) before.emplace(service.name, &service);
  for (const auto& service : to.virtual_servers) {
    const auto found = before.find(service.name);
    if (found == before.end()) {
      made.push_back(
          {.kind = AmendKind::add_service, .service = service.name, .server = {}, .virtual_server = service});
      continue;
    }
    if (!(*found->second == service)) {
      if (!same_but_servers(*found->second, service))
        return fail("{} differs in more than its servers: change it in the file", service.name);
      compare_servers(*found->second, service, made);
    }
    before.erase(found);
  }
  for (const auto& service : from.virtual_servers) {
    if (before.contains(service.name))
      made.push_back({.kind = AmendKind::remove_service, .service = service.name, .server = {}});
  }
  return made;
}

}  // namespace ballast::config
