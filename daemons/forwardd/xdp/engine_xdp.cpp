#include "daemons/forwardd/xdp/engine_xdp.hpp"

#include <algorithm>
#include <thread>

#include "daemons/forwardd/xdp/migration.hpp"
#include "daemons/forwardd/xdp/report.hpp"
#include "daemons/forwardd/xdp/tracer.hpp"

namespace ballast::forwardd::xdp {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

/// Routes change in bursts (a link that comes up, a routing daemon that starts): one look-up for all of them.
constexpr auto settle_time = 20ms;
/// A packet is through the program in microseconds.
constexpr auto swap_time = 5ms;
constexpr auto loopback = "lo";

std::set<net::IpAddress> servers_of(const DesiredState& desired) {
  std::set<net::IpAddress> servers;
  for (const auto& service : desired.services) {
    for (const auto& server : service.servers) servers.insert(server.endpoint.address);
  }
  return servers;
}

/// The addresses that packets come to: VIPs and LIPs.
std::set<net::IpAddress> targets_of(const DesiredState& desired) {
  std::set<net::IpAddress> targets;
  for (const auto& service : desired.services) {
    for (const auto& endpoint : service.endpoints) targets.insert(endpoint.address);
    targets.insert(service.local_addresses.begin(), service.local_addresses.end());
  }
  return targets;
}

/// Tables of services that nothing leads to yet, so that their order among the changes does not matter.
std::vector<const PutTable*> fresh_tables(const std::vector<Change>& changes, const Mirror& now) {
  std::vector<const PutTable*> fresh;
  for (const auto& change : changes) {
    const auto* table = std::get_if<PutTable>(&change);
    if (table == nullptr || table->known || table->slots.empty()) continue;
    if (table->service >= now.services.size() || now.services[table->service].used == 0) fresh.push_back(table);
  }
  return fresh;
}

void append(std::vector<Error>& all, std::vector<Error> more) { std::ranges::move(more, std::back_inserter(all)); }

}  // namespace

Result<std::unique_ptr<XdpEngine>> XdpEngine::open(asio::io_context& io, EngineOptions options) {
  if (auto prepared = prepare_pin_dir(options.pin_dir); !prepared) return prepared.error();
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  std::unique_ptr<XdpEngine> engine{new XdpEngine{io, std::move(options), std::move(*socket)}};
  if (auto listening = engine->listen(); !listening) return listening.error();
  return engine;
}

XdpEngine::XdpEngine(asio::io_context& io, EngineOptions options, netlink::Socket socket)
    : io_{io},
      options_{std::move(options)},
      socket_{std::move(socket)},
      attachments_{options_.pin_dir, options_.tell},
      settle_{io} {}

XdpEngine::~XdpEngine() = default;

Result<> XdpEngine::listen() {
  netlink::MonitorHandlers handlers;
  handlers.link = [this](const netlink::Link& link, bool removed) { on_link(link, removed); };
  handlers.neighbour = [this](const netlink::Neighbour& neighbour, bool removed) { on_neighbour(neighbour, removed); };
  handlers.route = [this] { routes_changed(); };
  handlers.resync = [this] { routes_changed(); };
  auto monitor = netlink::Monitor::open(io_, std::move(handlers));
  if (!monitor) return monitor.error();
  monitor_ = std::move(*monitor);
  return {};
}

void XdpEngine::on_link(const netlink::Link& link, bool removed) {
  if (resolver_.on_link(link, removed).any()) routes_changed();
}

void XdpEngine::on_neighbour(const netlink::Neighbour& neighbour, bool removed) {
  next_hops_changed(resolver_.on_neighbour(neighbour, removed));
}

void XdpEngine::routes_changed() {
  routes_stale_ = true;
  if (settling_) return;
  settling_ = true;
  settle_.expires_after(settle_time);
  settle_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    settling_ = false;
    if (object_) (void)bump_route_generation(*object_);
    if (options_.network_changed) options_.network_changed();
  });
}

void XdpEngine::next_hops_changed(NetworkChange change) {
  if (!object_ || mirror_stale_ || !change.any()) return;
  std::vector<Error> errors;
  if (change.servers) write(plan_next_hops(mirror_, resolver_.hops()), errors);
  if (change.cached) {
    if (auto bumped = bump_route_generation(*object_); !bumped) errors.push_back(bumped.error());
  }
  for (auto& error : errors) options_.tell(engine_event("error", "next hop", std::move(error.message)));
}

Result<> XdpEngine::load(std::uint32_t connections) {
  if (!object_) {
    auto object = load_object(options_.pin_dir, connections, options_.tell);
    if (!object) return object.error();
    if (auto taken = take_over(std::move(*object)); !taken) return taken.error();
    mirror_stale_ = true;
  }
  if (!mirror_stale_) return {};
  auto mirror = read_mirror(*object_);
  if (!mirror) return mirror.error();
  mirror_ = std::move(*mirror);
  mirror_stale_ = false;
  // What connections have cached may be of before a pause in which nobody looked.
  return bump_route_generation(*object_);
}

Result<> XdpEngine::take_over(Object object) {
  auto load = LoadTable::map(object.maps.at("server_load"));
  if (!load) return load.error();
  auto census = LoadTable::map(object.maps.at("census"));
  if (!census) return census.error();
  auto flows = FlowTable::map(object.maps.at("flows"));
  if (!flows) return flows.error();
  auto failed = MappedArray<std::uint64_t>::of(object.maps.at("failed_clients"));
  if (!failed) return failed.error();
  sweeper_.reset();
  load_ = std::move(*load);
  flows_ = std::move(*flows);
  failed_clients_ = std::move(*failed);
  object_ = std::move(object);
  sweeper_ = std::make_unique<Sweeper>(
      io_, *object_, load_, std::move(*census), [this] { return static_cast<std::uint32_t>(mirror_.servers.size()); },
      options_.tell);
  return {};
}

Result<> XdpEngine::resize(const DesiredState& desired, std::vector<Error>& errors) {
  const auto before = object_->maps.at("flows").info().max_entries;
  if (before == flow_sizes(desired.connection_table_size).lines) return {};
  auto resized = load_resized(*object_, desired.connection_table_size);
  if (!resized) return resized.error();
  auto migration = Migration::between(*object_, *resized);
  if (!migration) return migration.error();
  sweeper_.reset();
  // The first takes long where there are many, the second is about what changed meanwhile.
  migration->copy();
  migration->copy();
  append(errors, attachments_.reconcile(*resized, interfaces_for(desired, errors), desired.xdp_mode));
  migration->copy();
  // Until the last packet is through that met the old program.
  std::this_thread::sleep_for(swap_time);
  migration->copy();
  const auto outcome = migration->finish(load_);
  if (auto pinned = pin_resized(*resized, options_.pin_dir); !pinned) errors.push_back(pinned.error());
  options_.tell(
      engine_event(outcome.left == 0 ? "info" : "warning", "connection_table_size",
                   fmt::format("the connection table has {} entries now, had {}: {} connections moved{}",
                               desired.connection_table_size, connections_of(before), outcome.moved,
                               outcome.left == 0 ? "" : fmt::format(", {} found no room and are lost", outcome.left))));
  return take_over(std::move(*resized));
}

void XdpEngine::write(std::vector<Change> changes, std::vector<Error>& errors) {
  const auto fresh = fresh_tables(changes, mirror_);
  if (auto written = write_fresh_tables(*object_, fresh); !written) {
    errors.push_back(written.error());
    mirror_stale_ = true;
    return;
  }
  const std::set<const PutTable*> done{fresh.begin(), fresh.end()};
  for (const auto& change : changes) {
    const auto* table = std::get_if<PutTable>(&change);
    auto written = table != nullptr && done.contains(table) ? Result<>{} : write_change(*object_, load_, change);
    if (!written) {
      errors.push_back(written.error());
      mirror_stale_ = true;  // read again what is there, rather than guess
      return;
    }
    apply(mirror_, change);
  }
}

void XdpEngine::follow_routes(const DesiredState& desired, std::vector<Error>& errors) {
  const auto servers = servers_of(desired);
  append(errors, resolver_.track(servers));
  if (!routes_stale_) return;
  errors.clear();
  append(errors, resolver_.resync());
  routes_stale_ = false;
}

std::vector<Error> XdpEngine::reconcile(const DesiredState& desired) {
  std::vector<Error> errors;
  if (auto loaded = load(desired.connection_table_size); !loaded) return {loaded.error()};
  follow_routes(desired, errors);
  if (auto written = write_uppers(*object_, exits_of(resolver_.links())); !written) errors.push_back(written.error());
  auto plan = make_plan(mirror_, desired, resolver_.hops(),
                        [this](std::uint32_t server) { return load_.has_connections(server); });
  append(errors, std::move(plan.errors));
  services_ = std::move(plan.services);
  roles_ = std::move(plan.roles);
  write(std::move(plan.changes), errors);
  attach(desired, errors);
  if (auto resized = resize(desired, errors); !resized) errors.push_back(resized.error());
  return errors;
}

void XdpEngine::attach(const DesiredState& desired, std::vector<Error>& errors) {
  append(errors, attachments_.reconcile(*object_, interfaces_for(desired, errors), desired.xdp_mode));
  if (!others_removed_) remove_other_layouts(options_.pin_dir, options_.tell);
  others_removed_ = true;
}

std::vector<Interface> XdpEngine::interfaces_for(const DesiredState& desired, std::vector<Error>& errors) {
  std::vector<Interface> interfaces;
  if (desired.services.empty()) return interfaces;
  std::map<std::string, int> present;
  for (const auto& [index, link] : resolver_.links()) present[link.name] = index;
  const std::set<std::string> names = desired.interfaces.empty()
                                          ? find_interfaces(desired)
                                          : std::set<std::string>{desired.interfaces.begin(), desired.interfaces.end()};
  for (const auto& name : names) {
    const auto found = present.find(name);
    if (found != present.end())
      interfaces.push_back({name, found->second});
    else
      errors.push_back(fail("interface {} does not exist; the data path attaches to it when it does", name));
  }
  return interfaces;
}

std::set<std::string> XdpEngine::find_interfaces(const DesiredState& desired) {
  std::set<std::string> names;
  auto targets = targets_of(desired);
  for (const auto& [address, interface] : desired.virtual_addresses) {
    if (targets.erase(address) > 0) names.insert(interface);
  }
  const auto& links = resolver_.links();
  const auto add = [&](int index) {
    if (const auto link = links.find(index); link != links.end()) names.insert(link->second.name);
  };
  for (const int index : resolver_.links_used()) add(index);
  // Those that no VRRP instance has are somewhere on this machine by the administrator's hand.
  if (const auto addresses = targets.empty() ? Result<std::vector<netlink::Address>>{} : socket_.addresses()) {
    for (const auto& address : *addresses) {
      if (targets.contains(address.prefix.address)) add(address.link);
    }
  }
  names.erase(loopback);
  return names;
}

Result<> XdpEngine::set_roles(const std::map<std::string, RoleState>& roles) {
  if (!object_ || mirror_stale_) return {};
  std::vector<Error> errors;
  for (const auto& [name, state] : roles) {
    const auto index = roles_.find(name);
    if (!state.known || index == roles_.end()) continue;
    const std::uint32_t value = state.forwarding ? 1 : 0;
    const bool same = index->second < mirror_.roles.size() ? mirror_.roles[index->second] == value : value == 0;
    if (!same) write({PutRole{index->second, value}}, errors);
  }
  if (!errors.empty()) return errors.front();
  return {};
}

std::map<std::string, std::map<std::string, ServerCounters>> XdpEngine::counters() {
  std::map<std::string, std::map<std::string, ServerCounters>> all;
  if (!object_) return all;
  for (const auto& [name, service] : services_) {
    auto& servers = all[name];
    for (const auto& [endpoint, index] : service.servers) {
      if (const auto counters = read_counters(*object_, load_, index)) servers[endpoint] = *counters;
    }
    for (const auto& [endpoint, index] : service.former) {
      const auto now = load_.get(index);
      servers[endpoint].active += now.active;
      servers[endpoint].inactive += now.inactive;
    }
  }
  return all;
}

std::vector<bus::ServerTraffic> XdpEngine::traffic(const std::string& service) {
  std::vector<bus::ServerTraffic> all;
  const auto found = services_.find(service);
  if (!object_ || found == services_.end()) return all;
  for (const auto& [endpoint, index] : found->second.servers) {
    const auto counted = read_counters(*object_, load_, index);
    if (!counted) continue;
    all.push_back({endpoint, counted->connections, counted->answered, counted->unanswered, counted->refused,
                   take_failed_clients(failed_clients_, index)});
  }
  return all;
}

std::vector<bus::Connection> XdpEngine::connections(const ConnectionFilter& filter) {
  if (!object_) return {};
  return list_connections(flows_, mirror_, services_, filter);
}

std::vector<bus::DropCount> XdpEngine::drops() {
  if (!object_) return {};
  auto counts = read_drops(*object_);
  std::ranges::move(read_events(*object_), std::back_inserter(counts));
  return counts;
}

Result<std::vector<bus::TraceStep>> XdpEngine::trace(const TraceQuery& query) {
  if (!object_) return fail("the data path is not loaded yet: there is no service");
  return xdp::trace(*object_, mirror_, services_, query);
}

nlohmann::json XdpEngine::about() {
  nlohmann::json interfaces = nlohmann::json::array();
  for (const auto& [name, attached] : attachments_.attached()) {
    interfaces.push_back(
        {{"interface", name}, {"mode", attached.native ? "native" : "generic"}, {"program_id", attached.program_id}});
  }
  nlohmann::json about{{"engine", "xdp"},
                       {"layout_version", LAYOUT_VERSION},
                       {"pin_dir", options_.pin_dir.string()},
                       {"loaded", object_.has_value()},
                       {"interfaces", std::move(interfaces)}};
  if (object_) {
    about["adopted"] = object_->adopted;
    about["connection_table_size"] = connections_of(object_->maps.at("flows").info().max_entries);
  }
  return about;
}

Result<> XdpEngine::unload() {
  sweeper_.reset();
  object_.reset();
  mirror_stale_ = true;
  return remove_everything(options_.pin_dir);
}

}  // namespace ballast::forwardd::xdp
