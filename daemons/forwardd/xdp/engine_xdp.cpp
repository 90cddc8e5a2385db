#include "daemons/forwardd/xdp/engine_xdp.hpp"

#include <algorithm>
#include <thread>
#include <unordered_set>

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

std::size_t servers_in(const DesiredState& desired) {
  std::size_t count = 0;
  for (const auto& service : desired.services) count += service.servers.size();
  return count;
}

/// Addresses of the servers of services in one list that are not shared with the other.
std::vector<net::IpAddress> servers_only_in(const config::SharedList<DesiredService>& list,
                                            const config::SharedList<DesiredService>& other) {
  std::unordered_set<const DesiredService*> shared;
  for (const auto& service : other) shared.insert(&service);
  std::vector<net::IpAddress> servers;
  for (const auto& service : list) {
    if (shared.contains(&service)) continue;
    for (const auto& server : service.servers) servers.push_back(server.endpoint.address);
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

bool is_table(const Change& change) { return std::holds_alternative<PutTable>(change); }

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
  if (change.servers) write(plan_next_hops(mirror_, find_hop()), errors);
  if (change.cached) {
    if (auto bumped = bump_route_generation(*object_); !bumped) errors.push_back(bumped.error());
  }
  for (auto& error : errors) options_.tell(engine_event("error", "next hop", std::move(error.message)));
}

FindHop XdpEngine::find_hop() const {
  return [this](const net::IpAddress& server) { return resolver_.hop_to(server); };
}

Result<> XdpEngine::load(const DesiredState& desired) {
  if (!object_) {
    const auto sizes = sizes_for(desired.connection_table_size, desired.services.size(), servers_in(desired));
    auto object = load_object(options_.pin_dir, sizes, options_.tell);
    if (!object) return object.error();
    if (auto taken = take_over(std::move(*object)); !taken) return taken.error();
    mirror_stale_ = true;
  }
  if (!mirror_stale_) return {};
  auto mirror = read_mirror(*object_);
  if (!mirror) return mirror.error();
  mirror_ = std::move(*mirror);
  mirror_stale_ = false;
  services_.clear();  // nothing is settled
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
  const auto before = object_->sizes();
  auto sizes = before;
  sizes.connections = connections_of(flow_sizes(desired.connection_table_size).lines);
  if (before == sizes) return {};
  auto resized = load_resized(*object_, sizes);
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
  if (auto pinned = pin_resized(*resized, before, options_.pin_dir); !pinned) errors.push_back(pinned.error());
  options_.tell(
      engine_event(outcome.left == 0 ? "info" : "warning", "connection_table_size",
                   fmt::format("the connection table has {} entries now, had {}: {} connections moved{}",
                               desired.connection_table_size, before.connections, outcome.moved,
                               outcome.left == 0 ? "" : fmt::format(", {} found no room and are lost", outcome.left))));
  return take_over(std::move(*resized));
}

void XdpEngine::write(const std::vector<Change>& changes, std::vector<Error>& errors) {
  for (auto begin = changes.begin(); begin != changes.end();) {
    auto end = std::find_if_not(begin, changes.end(), is_table);
    const bool tables = end - begin > 1;
    if (!tables) end = std::next(begin);
    auto written = tables ? write_tables(*object_, {begin, end}) : write_change(*object_, load_, *begin);
    if (!written) {
      errors.push_back(written.error());
      mirror_stale_ = true;  // read again what is there, rather than guess
      return;
    }
    for (; begin != end; ++begin) apply(mirror_, *begin);
  }
}

void XdpEngine::follow_routes(const DesiredState& desired, std::vector<Error>& errors) {
  auto tracked =
      resolver_.track(servers_only_in(desired.services, tracked_), servers_only_in(tracked_, desired.services));
  tracked_ = desired.services;
  append(errors, std::move(tracked.errors));
  if (routes_stale_) {
    errors.clear();
    append(errors, resolver_.resync());
    routes_stale_ = false;
    tracked.changed = true;
  }
  if (tracked.changed) write(plan_next_hops(mirror_, find_hop()), errors);
}

std::vector<Error> XdpEngine::reconcile(const DesiredState& desired) {
  std::vector<Error> errors;
  if (auto loaded = load(desired); !loaded) return {loaded.error()};
  follow_routes(desired, errors);
  if (auto written = write_uppers(*object_, exits_of(resolver_.links())); !written) errors.push_back(written.error());
  write_services(desired, errors);
  attach(desired, errors);
  settle_growth(errors);
  if (auto resized = resize(desired, errors); !resized) errors.push_back(resized.error());
  return errors;
}

Plan XdpEngine::plan(const DesiredState& desired) {
  return make_plan(
      mirror_, desired, find_hop(), [this](std::uint32_t server) { return load_.has_connections(server); },
      std::exchange(services_, {}));
}

void XdpEngine::write_services(const DesiredState& desired, std::vector<Error>& errors) {
  auto made = plan(desired);
  if (made.full) {
    if (auto grown = grow(desired); grown)
      made = plan(desired);
    else
      errors.push_back(grown.error());
  }
  append(errors, std::move(made.errors));
  services_ = std::move(made.services);
  roles_ = std::move(made.roles);
  write(made.changes, errors);
  if (!outgrown_) return;
  if (!mirror_stale_) {
    // Again: what was counted since is in the maps that are still in use.
    if (auto copied = copy_counts(*outgrown_, *object_, mirror_); !copied) errors.push_back(copied.error());
    return;
  }
  // Half of it is not what should be attached.
  if (auto taken = take_over(std::move(*outgrown_)); !taken) errors.push_back(taken.error());
  outgrown_.reset();
}

Result<> XdpEngine::grow(const DesiredState& desired) {
  const auto before = object_->sizes();
  auto sizes = sizes_for(before.connections, desired.services.size(), servers_in(desired));
  sizes.services = std::max(sizes.services, before.services);
  sizes.servers = std::max(sizes.servers, before.servers);
  if (sizes == before) {  // what goes at the same time is in the way
    sizes.services *= 2;
    sizes.servers *= 2;
  }
  auto larger = load_resized(*object_, sizes);
  if (!larger) return larger.error();
  if (auto written = write_mirror(*larger, mirror_); !written) return written;
  outgrown_ = std::move(object_);
  if (auto taken = take_over(std::move(*larger)); !taken) {
    object_ = std::move(outgrown_);
    outgrown_.reset();
    return taken;
  }
  mirror_.limits.services = sizes.services;
  mirror_.limits.servers = sizes.servers;
  mirror_.tables.clear();
  return copy_counts(*outgrown_, *object_, mirror_);
}

void XdpEngine::settle_growth(std::vector<Error>& errors) {
  if (!outgrown_) return;
  const auto before = outgrown_->sizes();
  const auto now = object_->sizes();
  outgrown_.reset();
  if (auto pinned = pin_resized(*object_, before, options_.pin_dir); !pinned) errors.push_back(pinned.error());
  options_.tell(engine_event("info", "data path",
                             fmt::format("the data path has room for {} services and {} servers now, had {} and {}",
                                         now.services - 1, now.servers - 1, before.services - 1, before.servers - 1)));
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

std::map<std::string, ServerCounters> XdpEngine::counters(const std::string& service) {
  std::map<std::string, ServerCounters> servers;
  const auto found = services_.find(service);
  if (!object_ || found == services_.end()) return servers;
  for (const auto& [endpoint, index] : found->second.servers) {
    if (const auto counters = read_counters(*object_, load_, index)) servers[endpoint] = *counters;
  }
  for (const auto& [endpoint, index] : found->second.former) {
    const auto now = load_.get(index);
    servers[endpoint].active += now.active;
    servers[endpoint].inactive += now.inactive;
  }
  return servers;
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
