#include "daemons/forwardd/ipvs/engine_ipvs.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "common/runtime/log.hpp"
#include "daemons/forwardd/ipvs/connections.hpp"

namespace ballast::forwardd::ipvs {
namespace {

constexpr std::size_t compared_at_once = 500;  ///< services whose servers are read in one look
constexpr std::size_t told_at_once = 5;        ///< of what others did, one by one

std::string error_text(int number) { return std::generic_category().message(number); }

/// Connections of a server that is gone, and templates of one that gets no new ones, end instead of waiting for it.
constexpr std::array always_on{"expire_nodest_conn", "expire_quiescent_template"};

bool same_syncer(const Syncer& a, const Syncer& wanted) {
  const auto& x = a.settings;
  const auto& y = wanted.settings;
  const auto agrees = [](auto known, auto asked) { return asked == decltype(asked){} || known == asked; };
  return a.tells == wanted.tells && x.interface == y.interface && x.id == y.id && agrees(x.maxlen, y.maxlen) &&
         agrees(x.port, y.port) && agrees(x.ttl, y.ttl) && agrees(x.group, y.group);
}

/// What somebody else made of a service, in words; empty: nothing.
std::string describe(const Service& there, const Service& wanted) {
  if (there.settings != wanted.settings)
    return fmt::format("scheduler {} with flags {:#x}", there.settings.scheduler, there.settings.flags);
  for (const auto& [server, expected] : wanted.destinations) {
    const auto found = there.destinations.find(server);
    if (found == there.destinations.end()) return fmt::format("without server {}", server);
    if (found->second.weight != expected.weight)
      return fmt::format("server {} with weight {} instead of {}", server, found->second.weight, expected.weight);
    if (found->second != expected) return fmt::format("server {} with other options", server);
  }
  for (const auto& [server, found] : there.destinations) {
    if (!wanted.destinations.contains(server)) return fmt::format("server {} more", server);
  }
  return {};
}

}  // namespace

IpvsEngine::IpvsEngine(boost::asio::io_context& io, EngineOptions options)
    : options_{std::move(options)}, record_{options_.record}, timer_{io} {}

std::vector<Error> IpvsEngine::reconcile(const DesiredState& desired) {
  if (!kernel_ && desired.services.empty() && !desired.sync_daemon && !has_record()) return {};
  if (!kernel_) {
    if (const auto opened = open(desired); !opened) return {opened.error()};
  }
  std::vector<Error> errors;
  std::vector<Change> changes;
  want(desired, changes);
  apply(changes, errors);
  set_timeouts(desired, errors);
  set_sysctls(desired, errors);
  sync_daemon_ = desired.sync_daemon;
  roles_ = desired.roles;
  if (const auto done = follow_role(); !done) errors.push_back(done.error());
  save_record();
  await_look();
  return errors;
}

Result<> IpvsEngine::open(const DesiredState& desired) {
  auto kernel = options_.open();
  if (!kernel) return kernel.error();
  kernel_ = std::move(*kernel);
  auto [ours, syncs] = record_.load();
  syncs_ = syncs;
  for (const auto& service : desired.services) {
    for (const auto& [key, wanted] : translate(service)) ours.insert(key);
  }
  if (const auto done = read(ours); !done) {
    kernel_.reset();
    return done.error();
  }
  return {};
}

/// What is there of these services.
Result<> IpvsEngine::read(const std::set<ServiceKey>& keys) {
  auto services = kernel_->services();
  if (!services) return services.error();
  for (const auto& key : keys) {
    const auto found = services->find(key);
    if (found == services->end()) {
      there_.erase(key);
      continue;
    }
    auto destinations = kernel_->destinations(key);
    if (!destinations) return destinations.error();
    auto& service = there_[key] = {found->second.settings, {}};
    for (const auto& seen : *destinations) service.destinations[seen.endpoint] = seen.destination;
  }
  return {};
}

/// What services have become since the last time, and what of them is not there.
void IpvsEngine::want(const DesiredState& desired, std::vector<Change>& changes) {
  auto before = std::exchange(services_, {});
  names_.clear();
  std::set<ServiceKey> stale;
  for (std::size_t i = 0; i < desired.services.size(); ++i) {
    const auto shared = desired.services.shared(i);
    const auto known = before.find(shared->name);
    if (known != before.end() && known->second.desired == shared && !known->second.failed) {
      for (const auto& key : known->second.keys) names_[key] = shared->name;
      services_.emplace(shared->name, std::move(known->second));
      continue;
    }
    Kept kept{.desired = shared, .keys = {}};
    for (auto& [key, service] : translate(*shared)) {
      kept.keys.push_back(key);
      wanted_[key] = std::move(service);
      names_[key] = shared->name;
      stale.insert(key);
    }
    services_.emplace(shared->name, std::move(kept));
  }
  std::erase_if(wanted_, [&](const auto& each) { return !names_.contains(each.first); });
  // What was there for former services is wanted no more.
  for (const auto& [key, service] : there_) {
    if (!names_.contains(key)) stale.insert(key);
  }
  for (const auto& key : stale) {
    const auto from = there_.find(key);
    const auto to = wanted_.find(key);
    add_difference(key, from == there_.end() ? nullptr : &from->second, to == wanted_.end() ? nullptr : &to->second,
                   changes);
  }
}

void IpvsEngine::apply(const std::vector<Change>& changes, std::vector<Error>& errors) {
  const auto results = kernel_->apply(changes);
  std::set<ServiceKey> failed;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& change = changes[i];
    int error = results[i];
    // Somebody else was quicker.
    const bool removes = change.kind == Change::Kind::remove_service || change.kind == Change::Kind::remove_destination;
    if (removes && (error == ENOENT || error == ESRCH)) error = 0;
    if (error == 0) {
      carry_out(change, there_);
    } else if (failed.insert(change.service).second) {
      errors.push_back(fail("{}", explain(change, error)));
      const auto name = names_.find(change.service);
      if (const auto found = name == names_.end() ? services_.end() : services_.find(name->second);
          found != services_.end())
        found->second.failed = true;
    }
  }
  // What was believed of these may be wrong.
  if (failed.empty()) return;
  if (const auto done = read(failed); !done) errors.push_back(done.error());
}

std::string IpvsEngine::explain(const Change& change, int error) const {
  const auto name = names_.find(change.service);
  const auto whose = name == names_.end() ? std::string{} : fmt::format("service {}: ", name->second);
  const bool adds = change.kind == Change::Kind::add_service || change.kind == Change::Kind::set_service;
  const auto& settings = change.settings;
  if (adds && error == ENOENT) {
    const auto module = settings.engine.empty()
                            ? fmt::format("ip_vs_{}", settings.scheduler)
                            : fmt::format("ip_vs_{} or ip_vs_pe_{}", settings.scheduler, settings.engine);
    return fmt::format("{}this kernel's IPVS has no module {}", whose, module);
  }
  return fmt::format("{}IPVS does not {}: {}", whose, change.to_string(), error_text(error));
}

void IpvsEngine::set_timeouts(const DesiredState& desired, std::vector<Error>& errors) {
  const auto in_seconds = [](config::Duration time) {
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
  };
  const Timeouts wanted{in_seconds(desired.timeouts.tcp), in_seconds(desired.timeouts.tcp_fin),
                        in_seconds(desired.timeouts.udp)};
  if (timeouts_set_ == wanted || services_.empty()) return;
  if (const auto done = kernel_->set_timeouts(wanted); !done)
    errors.push_back(done.error());
  else
    timeouts_set_ = wanted;
}

void IpvsEngine::set_sysctls(const DesiredState& desired, std::vector<Error>& errors) {
  std::set<std::string> wanted;
  if (!desired.services.empty()) wanted.insert(always_on.begin(), always_on.end());
  if (std::ranges::any_of(desired.services, [](const auto& service) { return service.sloppy_tcp; }))
    wanted.insert("sloppy_tcp");
  for (const auto& name : wanted) {
    if (sysctls_.contains(name)) continue;
    std::ofstream file{options_.sysctls / name};
    if (file << "1\n" << std::flush)
      sysctls_.insert(name);
    else
      errors.push_back(fail("IPVS: net.ipv4.vs.{} cannot be set to 1", name));
  }
}

Result<> IpvsEngine::set_roles(const std::map<std::string, RoleState>& roles) {
  roles_ = roles;
  if (!kernel_) return {};
  return follow_role();
}

/// None: vrrpd has not spoken yet, and what is there stays.
std::optional<std::vector<Syncer>> IpvsEngine::wanted_syncers() const {
  if (!sync_daemon_) return std::vector<Syncer>{};
  const Syncer tells{.tells = true, .settings = *sync_daemon_};
  const Syncer listens{.tells = false, .settings = *sync_daemon_};
  if (sync_daemon_->instance.empty()) return std::vector{tells, listens};
  const auto role = roles_.find(role_name({sync_daemon_->instance}));
  if (role == roles_.end() || !role->second.known) return std::nullopt;
  return std::vector{role->second.forwarding ? tells : listens};
}

Result<> IpvsEngine::follow_role() {
  if (!sync_daemon_ && !syncs_) return {};
  const auto wanted = wanted_syncers();
  return wanted ? set_syncers(*wanted) : Result<>{};
}

Result<> IpvsEngine::set_syncers(const std::vector<Syncer>& wanted) {
  const auto there = kernel_->syncers();
  if (!there) return there.error();
  for (const auto& known : *there) {
    if (std::ranges::any_of(wanted, [&](const auto& each) { return same_syncer(known, each); })) continue;
    if (const auto done = kernel_->stop(known); !done) return done;
  }
  for (const auto& each : wanted) {
    if (std::ranges::any_of(*there, [&](const auto& known) { return same_syncer(known, each); })) continue;
    if (const auto done = kernel_->start(each); !done) return done;
    log::notice("IPVS: the sync daemon {} on {}", each.tells ? "tells the peer of connections" : "listens",
                each.settings.interface);
  }
  syncs_ = !wanted.empty();
  save_record();
  return {};
}

std::map<std::string, ServerCounters> IpvsEngine::counters(const std::string& service) {
  std::map<std::string, ServerCounters> all;
  const auto kept = services_.find(service);
  if (!kernel_ || kept == services_.end()) return all;
  for (const auto& key : kept->second.keys) {
    const auto destinations = kernel_->destinations(key);
    if (!destinations) continue;
    for (const auto& seen : *destinations) {
      // Its port there may be that of the service's address, or none.
      const auto& servers = kept->second.desired->servers;
      auto server = std::ranges::find(servers, seen.endpoint, &DesiredServer::endpoint);
      if (server == servers.end()) {
        server = std::ranges::find_if(servers, [&](const auto& each) {
          return each.endpoint.address == seen.endpoint.address && (each.endpoint.port == 0 || seen.endpoint.port == 0);
        });
      }
      if (server == servers.end()) continue;
      auto& sum = all[server->endpoint.to_string()];
      sum.active += seen.counters.active;
      sum.inactive += seen.counters.inactive;
      sum.connections += seen.counters.connections;
      sum.packets_in += seen.counters.packets_in;
      sum.packets_out += seen.counters.packets_out;
      sum.bytes_in += seen.counters.bytes_in;
      sum.bytes_out += seen.counters.bytes_out;
    }
  }
  return all;
}

const DesiredService* IpvsEngine::find(config::Protocol protocol, const net::Endpoint& destination) const {
  for (const auto port : {destination.port, std::uint16_t{0}}) {
    const auto name = names_.find(
        {destination.address.family(), 0, static_cast<std::uint8_t>(protocol), {destination.address, port}});
    if (name == names_.end()) continue;
    if (const auto found = services_.find(name->second); found != services_.end()) return found->second.desired.get();
  }
  return nullptr;
}

const DesiredService* IpvsEngine::find_by_mark(const net::Endpoint& server) const {
  for (const auto& [key, name] : names_) {
    if (key.fwmark == 0) continue;
    const auto* service = services_.at(name).desired.get();
    const bool has = std::ranges::any_of(service->servers, [&](const auto& each) {
      return each.endpoint.address == server.address && (each.endpoint.port == 0 || each.endpoint.port == server.port);
    });
    if (has) return service;
  }
  return nullptr;
}

std::vector<bus::Connection> IpvsEngine::connections(const ConnectionFilter& filter) {
  std::vector<bus::Connection> all;
  std::ifstream file{options_.connections};
  std::string line;
  while (all.size() < filter.limit && std::getline(file, line)) {
    const auto read = read_connection(line);
    if (!read) continue;
    const auto protocol = from_name<config::Protocol>(read->protocol);
    const auto* service = protocol ? find(*protocol, read->virtual_endpoint) : nullptr;
    // Connections by mark do not say by which.
    if (service == nullptr) service = find_by_mark(read->server);
    if (service == nullptr || (!filter.service.empty() && filter.service != service->name)) continue;
    bus::Connection made;
    made.protocol = read->protocol;
    made.client = read->client.to_string();
    made.virtual_address = read->virtual_endpoint.to_string();
    made.server = read->server.to_string();
    made.service = service->name;
    made.state = read->state;
    made.expires = read->expires;
    const auto server = std::ranges::find_if(
        service->servers, [&](const auto& each) { return each.endpoint.address == read->server.address; });
    made.method = std::string{name_of(server == service->servers.end() ? service->method : server->method)};
    if (!filter.client.empty() && filter.client != read->client.address.to_string()) continue;
    if (!filter.server.empty() && filter.server != made.server) continue;
    all.push_back(std::move(made));
  }
  return all;
}

Result<std::vector<bus::TraceStep>> IpvsEngine::trace(const TraceQuery& query) {
  const auto* service = find(query.protocol, query.destination);
  if (service == nullptr) return fail("trace: {} is no service of IPVS", query.destination);
  std::vector<bus::TraceStep> steps;
  steps.push_back({"service", fmt::format("{} is service {} of the kernel's IPVS", query.destination, service->name)});
  for (const auto& connection :
       connections({.service = service->name, .client = query.source.address.to_string(), .server = {}})) {
    if (connection.client == query.source.to_string())
      steps.push_back({"connection",
                       fmt::format("known: {}, to {} by {}", connection.state, connection.server, connection.method)});
  }
  if (steps.size() == 1) {
    std::string servers;
    for (const auto& server : service->servers) {
      if (server.weight > 0)
        servers += fmt::format("{}{} (weight {})", servers.empty() ? "" : ", ", server.endpoint, server.weight);
    }
    steps.push_back({"schedule", servers.empty() ? std::string{"no server gets new connections"}
                                                 : fmt::format("{} chooses among {}", service->scheduler, servers)});
  }
  return steps;
}

nlohmann::json IpvsEngine::about() {
  auto syncers = nlohmann::json::array();
  if (kernel_) {
    const auto there = kernel_->syncers();
    for (const auto& each : there ? *there : std::vector<Syncer>{})
      syncers.push_back(
          fmt::format("{} on {} (id {})", each.tells ? "tells" : "listens", each.settings.interface, each.settings.id));
  }
  std::size_t servers = 0;
  for (const auto& [key, service] : there_) servers += service.destinations.size();
  return {{"engine", "ipvs"}, {"services", there_.size()}, {"servers", servers}, {"sync_daemons", std::move(syncers)}};
}

Result<> IpvsEngine::unload() {
  if (!kernel_ && !has_record()) return {};
  DesiredState nothing;
  const auto errors = reconcile(nothing);
  timer_.cancel();
  if (!errors.empty()) return errors.front();
  record_.remove();
  return {};
}

void IpvsEngine::await_look() {
  if (services_.empty()) return;
  // However many services there are, nine tenths of the time are for other things.
  timer_.expires_after(std::max<std::chrono::steady_clock::duration>(options_.look_again, 9 * looked_for_));
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    const auto begin = std::chrono::steady_clock::now();
    look();
    looked_for_ = std::chrono::steady_clock::now() - begin;
    await_look();
  });
}

void IpvsEngine::look() {
  if (!kernel_) return;
  if (!look_at_services()) look_at_destinations();
  if (const auto now = kernel_->timeouts(); now && timeouts_set_ && *now != *timeouts_set_) {
    notice("IPVS: the timeouts were changed by somebody else: put right");
    if (const auto done = kernel_->set_timeouts(*timeouts_set_); !done) log::error("{}", done.error().message);
  }
  if (const auto done = follow_role(); !done) log::error("{}", done.error().message);
}

/// Services that are gone or others. True: something was put right.
bool IpvsEngine::look_at_services() {
  const auto services = kernel_->services();
  if (!services) return false;
  std::set<ServiceKey> changed;
  for (const auto& [key, known] : there_) {
    const auto found = services->find(key);
    if (found == services->end() || found->second.settings != known.settings) changed.insert(key);
  }
  put_right(changed);
  return !changed.empty();
}

/// The servers of some services, others each time.
bool IpvsEngine::look_at_destinations() {
  std::set<ServiceKey> changed;
  auto next = there_.upper_bound(looked_at_);
  for (std::size_t count = std::min(compared_at_once, there_.size()); count > 0; --count) {
    if (next == there_.end()) next = there_.begin();
    const auto destinations = kernel_->destinations(next->first);
    Destinations now;
    if (destinations) {
      for (const auto& seen : *destinations) now[seen.endpoint] = seen.destination;
      if (now != next->second.destinations) changed.insert(next->first);
    }
    looked_at_ = next->first;
    ++next;
  }
  put_right(changed);
  return !changed.empty();
}

void IpvsEngine::put_right(const std::set<ServiceKey>& keys) {
  if (keys.empty()) return;
  if (const auto done = read(keys); !done) return log::error("{}", done.error().message);
  std::vector<Change> changes;
  std::size_t told = 0;
  for (const auto& key : keys) {
    const auto there = there_.find(key);
    const auto wanted = wanted_.find(key);
    if (wanted == wanted_.end()) continue;
    const auto name = names_.find(key);
    const auto what = there == there_.end() ? "removed" : describe(there->second, wanted->second);
    if (!what.empty() && ++told <= told_at_once)
      notice(fmt::format("service {}: somebody else changed IPVS ({} {}): put right",
                         name == names_.end() ? "" : name->second, key.to_string(), what));
    add_difference(key, there == there_.end() ? nullptr : &there->second, &wanted->second, changes);
  }
  if (told > told_at_once)
    notice(fmt::format("IPVS: {} more services were changed by somebody else: put right", told - told_at_once));
  std::vector<Error> errors;
  apply(changes, errors);
  if (!errors.empty() && options_.failed) options_.failed();
}

void IpvsEngine::notice(std::string message) {
  bus::Event event;
  event.kind = "engine";
  event.severity = "warning";
  event.message = std::move(message);
  if (options_.tell) options_.tell(std::move(event));
}

void IpvsEngine::save_record() {
  Ours ours{.services = {}, .sync_daemon = syncs_};
  for (const auto& [key, service] : there_) ours.services.insert(ours.services.end(), key);
  record_.save(ours);
}

}  // namespace ballast::forwardd::ipvs
