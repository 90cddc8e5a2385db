#include "daemons/ballastd/effective.hpp"

#include <algorithm>
#include <set>

namespace ballast::ballastd {
namespace {

using config::AmendKind;

/// The file's model, copied when it is changed first.
class Draft {
 public:
  explicit Draft(const ModelPointer& file) : shared_{file} {}
  [[nodiscard]] const config::Model& model() const { return own_ ? *own_ : *shared_; }
  config::Model& changed() {
    if (!own_) own_ = std::make_shared<config::Model>(*shared_);
    return *own_;
  }
  [[nodiscard]] ModelPointer take() { return own_ ? ModelPointer{std::move(own_)} : shared_; }

 private:
  ModelPointer shared_;
  std::shared_ptr<config::Model> own_;
};

const config::VirtualServer* service_named(const config::Model& model, const std::string& name) {
  const auto found = std::ranges::find(model.virtual_servers, name, &config::VirtualServer::name);
  return found == model.virtual_servers.end() ? nullptr : &*found;
}

/// A server that its file does not have, but a source has found.
std::optional<std::string> found_by(const config::VirtualServer& service, const net::Endpoint& server,
                                    const FoundServers& found) {
  for (unsigned number = 0; number < service.sources.size(); ++number) {
    const auto& query = service.sources[number].query;
    const auto servers = found.find({service.name, number});
    if (servers == found.end()) continue;
    const bool it_is = std::ranges::any_of(servers->second, [&](const auto& each) {
      const auto port = each.endpoint.port != 0 ? each.endpoint.port : query.port;
      return net::Endpoint{each.endpoint.address, port} == server;
    });
    if (it_is) return fmt::format("{} {}", query.kind, query.name);
  }
  return std::nullopt;
}

/// What may_have() and amend() do not know: servers of sources are not the operators' to remove or weigh.
Result<> not_of_a_source(const config::Model& model, const config::Amendment& amendment, const FoundServers& found) {
  const bool changes = amendment.kind == AmendKind::remove_server || amendment.kind == AmendKind::server_weight;
  const auto* service = changes ? service_named(model, amendment.service) : nullptr;
  if (service == nullptr) return {};
  const auto& written = service->real_servers;
  if (std::ranges::find(written, amendment.server, &config::RealServer::endpoint) != written.end()) return {};
  const auto source = found_by(*service, amendment.server, found);
  if (!source) return {};
  return fail("server {} is found by real_servers_from {}: change it there, or drain or disable it", amendment.server,
              *source);
}

ChangeFate apply(Draft& draft, const bus::Change& change, const FoundServers& found) {
  ChangeFate fate{change.number, Fate::applied, {}, {}};
  if (const auto may = not_of_a_source(draft.model(), change.amendment, found); !may) {
    fate.fate = Fate::impossible;
    fate.why = may.error().message;
    return fate;
  }
  const auto outcome = config::amend(draft.changed(), change.amendment);
  if (!outcome) {
    fate.fate = Fate::impossible;
    fate.why = outcome.error().message;
    return fate;
  }
  fate.weight_before = outcome->weight_before;
  if (outcome->amended == config::Amended::so_already) fate.fate = Fate::said;
  return fate;
}

/// Servers that operators have removed are not brought back by a source.
using Removed = std::set<std::pair<std::string, net::Endpoint>>;

void add_found(config::VirtualServer& service, unsigned number, const std::vector<config::FoundServer>& servers,
               const Removed& removed, std::vector<std::string>& left_out) {
  const auto& source = service.sources[number];
  unsigned added = 0;
  for (const auto& each : servers) {
    auto endpoint = each.endpoint;
    const bool every = std::ranges::any_of(service.endpoints, [](const auto& own) { return own.port == 0; });
    if (every)
      endpoint.port = 0;
    else if (endpoint.port == 0)
      endpoint.port = source.query.port;
    if (removed.contains({service.name, endpoint})) continue;
    if (std::ranges::find(service.real_servers, endpoint, &config::RealServer::endpoint) != service.real_servers.end())
      continue;
    const auto leave_out = [&](const std::string& why) {
      left_out.push_back(fmt::format("{}: {} {}: {}", service.name, source.query.kind, source.query.name, why));
    };
    if (added == source.query.most) return leave_out(fmt::format("more than {} servers", added));
    auto made = config::instantiate(source.like, endpoint);
    if (every && each.endpoint.port != 0) {
      for (auto& check : made.checks) {
        const bool own =
            check.target.port == 0 && check.kind != config::CheckKind::misc && check.kind != config::CheckKind::file;
        if (own) check.target.port = each.endpoint.port;
      }
    }
    if (each.weight) made.weight = *each.weight;
    if (const auto may = config::may_have(service, made); !may) {
      leave_out(may.error().message);
      continue;
    }
    service.real_servers.push_back(std::move(made));
    ++added;
  }
}

}  // namespace

Effective effective(const ModelPointer& file, const std::vector<bus::Change>& changes, const FoundServers& found) {
  Draft draft{file};
  Effective made;
  Removed removed;
  for (const auto& change : changes) {
    made.changes.push_back(apply(draft, change, found));
    const auto& amendment = change.amendment;
    if (made.changes.back().fate != Fate::applied) continue;
    if (amendment.kind == AmendKind::remove_server) removed.emplace(amendment.service, amendment.server);
    if (amendment.kind == AmendKind::add_server) removed.erase({amendment.service, amendment.server});
  }
  for (const auto& [source, servers] : found) {
    const auto& services = draft.model().virtual_servers;
    const auto service = std::ranges::find(services, source.first, &config::VirtualServer::name);
    if (service == services.end() || source.second >= service->sources.size() || servers.empty()) continue;
    const auto index = static_cast<std::size_t>(service - services.begin());
    add_found(draft.changed().virtual_servers[index], source.second, servers, removed, made.left_out);
  }
  made.model = draft.take();
  return made;
}

}  // namespace ballast::ballastd
