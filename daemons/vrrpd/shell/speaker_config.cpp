// Speaker: how configurations come into force.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"

namespace ballast::vrrpd {
namespace {

/// What an instance says itself goes before what its group says of the same tracker.
void add_tracks(std::vector<config::Track>& own, const std::vector<config::Track>& of_group) {
  for (const auto& track : of_group) {
    const bool there = std::ranges::any_of(
        own, [&](const config::Track& other) { return other.kind == track.kind && other.name == track.name; });
    if (!there) own.push_back(track);
  }
}

/// Instances with what their group adds to them (what it tracks) and their addresses where they are.
std::vector<config::VrrpInstance> effective_instances(const config::Model& model) {
  auto instances = model.vrrp_instances;
  for (const auto& group : model.vrrp_sync_groups) {
    for (auto& instance : instances) {
      if (std::ranges::find(group.members, instance.name) == group.members.end()) continue;
      instance.track_interfaces.insert(instance.track_interfaces.end(), group.track_interfaces.begin(),
                                       group.track_interfaces.end());
      add_tracks(instance.tracks, group.tracks);
    }
  }
  for (auto& instance : instances) instance = placed(std::move(instance));
  return instances;
}

/// What another router sees as another virtual router: changing it is a stop and a start.
bool same_identity(const config::VrrpInstance& left, const config::VrrpInstance& right) {
  return left.interface == right.interface && left.virtual_router_id == right.virtual_router_id &&
         left.version == right.version && left.family == right.family && left.source == right.source &&
         std::ranges::equal(left.unicast_peers, right.unicast_peers, {}, &config::UnicastPeer::address,
                            &config::UnicastPeer::address) &&
         left.kernel.vmac == right.kernel.vmac && left.kernel.vmacs == right.kernel.vmacs &&
         left.kernel.transmit_from_base == right.kernel.transmit_from_base;
}

std::vector<net::IpAddress> advertised_addresses(const config::VrrpInstance& instance) {
  std::vector<net::IpAddress> addresses;
  for (const auto& address : instance.virtual_addresses) addresses.push_back(address.prefix.address);
  return addresses;
}

std::vector<config::VirtualAddress> without(std::vector<config::VirtualAddress> all,
                                            const std::vector<config::VirtualAddress>& kept) {
  std::erase_if(all, [&](const auto& address) {
    return std::ranges::any_of(kept, [&](const auto& other) {
      return other.interface == address.interface && other.prefix == address.prefix;
    });
  });
  return all;
}

}  // namespace

Result<> Speaker::validate(const config::Model& model) {
  std::map<std::tuple<std::string, net::Family, std::uint8_t>, std::string> seen;
  for (const auto& instance : model.vrrp_instances) {
    const auto [other, fresh] =
        seen.try_emplace({instance.interface, instance.family, instance.virtual_router_id}, instance.name);
    if (fresh) continue;
    return fail("{} and {} both have virtual_router_id {} on {}: give one of them another", other->second,
                instance.name, instance.virtual_router_id, instance.interface);
  }
  for (const auto& instance : model.vrrp_instances) {
    for (const auto& interface : instance.heartbeat_interfaces) {
      const auto [other, fresh] =
          seen.try_emplace({interface, instance.family, instance.virtual_router_id}, instance.name);
      if (fresh) continue;
      return fail("{} has a heartbeat on {}, where {} has virtual_router_id {}, too: give one of them another",
                  instance.name, interface, other->second, instance.virtual_router_id);
    }
  }
  return {};
}

void Speaker::apply(const config::Model& model) {
  if (stopping_) return;
  const auto wanted = effective_instances(model);
  const auto find_wanted = [&](const std::string& name) {
    return std::ranges::find(wanted, name, &config::VrrpInstance::name);
  };
  std::vector<std::pair<std::string, std::string>> leaving;
  for (const auto& [name, router] : routers_) {
    const auto found = find_wanted(name);
    if (found == wanted.end())
      leaving.emplace_back(name, "removed from the configuration");
    else if (!same_identity(router->config, *found))
      leaving.emplace_back(name, "the configuration makes it another virtual router");
  }
  for (const auto& [name, reason] : leaving) {
    stop_router(name, reason);
    if (find_wanted(name) == wanted.end()) outlet_.withdraw(name);
  }
  make_links(wanted);
  keeper_->know(model.statics.addresses);
  keeper_->take(without(model_.statics.addresses, model.statics.addresses));
  trackers_->apply(model);
  std::vector<Router*> fresh;
  for (const auto& settings : wanted) {
    keeper_->know(all_addresses(settings));
    const auto found = routers_.find(settings.name);
    if (found == routers_.end())
      fresh.push_back(&add_router(settings));
    else if (found->second->config != settings)
      reconfigure(*found->second, settings);
  }
  regroup(model);
  start_routers(fresh, model);
  for (const auto& group : groups_) settle(*group);
  if (!configured_ || model.vrrp_instances != model_.vrrp_instances ||
      model.vrrp_sync_groups != model_.vrrp_sync_groups || model.tracking != model_.tracking ||
      model.statics != model_.statics || model.global.firewall != model_.global.firewall) {
    save_model(model);
  }
  model_ = model;
  configured_ = true;
  before_.reset();
  sync_kernel();
  keeper_->sweep();
  save_state();
}

void Speaker::save_model(const config::Model& model) {
  config::Model ours;
  ours.global.firewall = model.global.firewall;
  ours.statics = model.statics;
  ours.vrrp_instances = model.vrrp_instances;
  ours.vrrp_sync_groups = model.vrrp_sync_groups;
  ours.tracking = model.tracking;
  ours.global.vrrp_startup_delay = model.global.vrrp_startup_delay;
  ours.global.vrrp_delay_after_boot = model.global.vrrp_delay_after_boot;
  if (const auto done = write_model(run_dir_, ours); !done) log::error("{}", done.error().message);
}

void Speaker::stop_router(const std::string& name, const std::string& reason) {
  auto& router = *routers_.at(name);
  if (router.group != nullptr) std::erase(router.group->members, &router);
  router.group = nullptr;
  dispatch(router, Stop{reason});
  timers_.remove(router.id);
  router.port->routers[router.config.virtual_router_id] = nullptr;
  release_heartbeats(router);
  release_port(*router.port);
  release_port(*router.out);
  by_id_.erase(router.id);
  routers_.erase(name);
}

void Speaker::reconfigure(Router& router, const config::VrrpInstance& settings) {
  const auto before = std::exchange(router.config, settings);
  router.advertised = advertised_addresses(settings);
  if (!settings.auth_hmac) {
    router.authenticator.reset();
  } else if (router.authenticator) {
    router.authenticator->reconfigure(*settings.auth_hmac);
  } else {
    router.authenticator.emplace(*settings.auth_hmac);
  }
  if (router.put) {
    keeper_->take(without(all_addresses(before), all_addresses(settings)));
    keeper_->put(all_addresses(settings));
  }
  if (before.heartbeat_interfaces != settings.heartbeat_interfaces) use_heartbeats(router);
  tell_links(router);
  tell_tracks(router);
  dispatch(router, Reconfigured{settings});
  log::info("{}: new configuration in force", settings.name);
  publish(router);
}

void Speaker::hold_changed(const std::string& instance) {
  const auto found = routers_.find(instance);
  if (found == routers_.end()) return;  // heeded when it is added
  dispatch(*found->second, Held{holds_.reason(instance)});
  publish(*found->second);
}

Router& Speaker::add_router(const config::VrrpInstance& settings) {
  auto& router = *(routers_[settings.name] = std::make_unique<Router>(next_id_++, settings));
  by_id_[router.id] = &router;
  router.advertised = advertised_addresses(settings);
  router.port = &use_port(listening_interface(settings), settings);
  router.out = &use_port(sending_interface(settings), settings);
  router.port->routers[settings.virtual_router_id] = &router;
  open_port(*router.port);
  if (router.out != router.port) open_port(*router.out);
  use_heartbeats(router);
  return router;
}

Port& Speaker::use_port(const std::string& interface, const config::VrrpInstance& settings) {
  auto& port = ports_[{interface, settings.family}];
  if (!port) {
    port = std::make_unique<Port>();
    port->interface = interface;
    port->family = settings.family;
    port->virtual_mac = interface == settings.kernel.vmac;
  }
  ++port->users;
  return *port;
}

void Speaker::release_port(Port& port) {
  if (--port.users == 0) ports_.erase({port.interface, port.family});
}

void Speaker::regroup(const config::Model& model) {
  for (auto& [name, router] : routers_) router->group = nullptr;
  for (const auto& group : groups_) {
    if (std::ranges::find(model.vrrp_sync_groups, group->name, &config::VrrpSyncGroup::name) ==
        model.vrrp_sync_groups.end()) {
      outlet_.withdraw_group(group->name);
    }
  }
  groups_.clear();
  for (const auto& configured : model.vrrp_sync_groups) {
    auto group = std::make_unique<Group>();
    group->name = configured.name;
    for (const auto& name : configured.members) {
      const auto found = routers_.find(name);
      if (found == routers_.end() || found->second->group != nullptr) continue;
      found->second->group = group.get();
      group->members.push_back(found->second.get());
    }
    groups_.push_back(std::move(group));
    publish(*groups_.back());
  }
  for (auto& [name, router] : routers_) {
    router->core.set_grouped(router->group != nullptr);
    if (router->group == nullptr && router->core.held_by_group()) {
      dispatch(*router, GroupOrder{GroupCommand::release, "in no sync group any more"});
    }
  }
}

void Speaker::start_routers(const std::vector<Router*>& fresh, const config::Model& model) {
  for (auto* router : fresh) {
    tell_links(*router);
    tell_source(*router);
    dispatch(*router, Held{holds_.reason(router->config.name)});
    tell_need(*router);
    tell_tracks(*router);
  }
  std::vector<Beginner> beginners;
  for (auto* router : fresh) beginners.push_back({router, heritage(*router)});
  // A delay is for the start of the daemon; what a later configuration adds takes part at once.
  const auto& global = model.global;
  const Duration after_boot = global.vrrp_delay_after_boot - runtime::BootClock::now().time_since_epoch();
  const auto delay = std::max<Duration>(global.vrrp_startup_delay, after_boot);
  start(beginners, configured_ ? Duration{} : delay);
}

std::optional<Heritage> Speaker::heritage(const Router& router) const {
  if (!before_) return std::nullopt;
  const auto found = std::ranges::find_if(
      before_->instances, [&](const SavedInstance& saved) { return saved.settings.name == router.config.name; });
  if (found == before_->instances.end() || !same_identity(found->settings, router.config)) return std::nullopt;
  return Heritage{found->role, runtime::BootClock::now() - last_life_};
}

void Speaker::tell_links(Router& router) {
  std::set<std::string> interfaces{router.config.interface};
  for (const auto& track : router.config.track_interfaces) interfaces.insert(track.interface);
  for (const auto& interface : interfaces) {
    dispatch(router, LinkChanged{interface, host_->is_up(interface), host_->describe(interface)});
  }
}

void Speaker::tell_tracks(Router& router) {
  for (const auto& track : router.config.tracks) {
    const auto known = trackers_->values().find({track.kind, track.name});
    if (known != trackers_->values().end()) dispatch(router, TrackChanged{known->first, known->second});
  }
}

bool Router::tracks(const TrackKey& tracker) const {
  return std::ranges::any_of(config.tracks, [&](const config::Track& track) {
    return track.kind == tracker.first && track.name == tracker.second;
  });
}

void Speaker::track_changed(const TrackKey& tracker, const TrackValue& found) {
  bool tracked = false;
  for (auto& [name, router] : routers_) {
    if (!router->tracks(tracker)) continue;
    tracked = true;
    const auto before = router->core.priority();
    dispatch(*router, TrackChanged{tracker, found});
    if (before != router->core.priority()) publish(*router);
  }
  if (tracked) schedule_save();
}

void Speaker::tell(const bus::ScriptState& script) {
  const auto found = script.up ? std::string{"succeeded"} : "failed: " + script.reason;
  trackers_->tell({config::TrackKind::script, script.name},
                  {script.up ? 1 : 0, fmt::format("script {} {}", script.name, found)});
}

void Speaker::tell(const bus::ServiceState& service) {
  const bool up = service.state == bus::ServerStatus::up;
  trackers_->tell({config::TrackKind::service, service.name},
                  {up ? 1 : 0, fmt::format("service {} is {}: {}", service.name, up ? "up" : "down", service.reason)});
}

void Speaker::tell_source(Router& router) {
  const auto source = choose_source(router.config, *host_);
  if (source && source == router.core.source()) return;
  dispatch(router, SourceChanged{source, source ? fmt::format("sends from {}", *source)
                                                : describe_missing_source(router.config)});
}

void Speaker::open_port(Port& port) {
  const auto* link = host_->link(port.interface);
  if (link == nullptr) {
    port.socket.reset();
    return;
  }
  if (!port.socket || port.socket->index() != link->index) {
    port.socket.reset();
    auto opened = AdvertisementSocket::open(
        io_, port.interface, link->index, port.family,
        [this, &port](const Datagram& datagram) { received(port, datagram); }, port.virtual_mac);
    if (!opened) return log::error("{}: {}", port.interface, opened.error().message);
    port.socket = std::move(*opened);
  }
  const auto speaks_multicast = [](const auto* router) {
    return router != nullptr && router->config.unicast_peers.empty();
  };
  const bool multicast =
      std::ranges::any_of(port.routers, speaks_multicast) || std::ranges::any_of(port.heartbeats, speaks_multicast);
  if (!multicast) return;
  if (const auto joined = port.socket->join(); !joined) log::error("{}: {}", port.interface, joined.error().message);
}

boost::asio::awaitable<void> Speaker::stop() {
  stopping_ = true;
  std::vector<Member*> members;
  for (auto& [name, router] : routers_) members.push_back(router.get());
  Conductor::stop(members, "stopped");
  for (const auto& group : groups_) outlet_.publish_group({group->name, Role::init, true});
  if (std::ranges::any_of(routers_, [](const auto& each) { return each.second->put; })) {
    all_released_.expires_after(longest_leave + handover_linger);
    co_await all_released_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  std::vector<std::string> names;
  for (const auto& [name, router] : routers_) names.push_back(name);
  for (const auto& name : names) stop_router(name, "stopped");
  clear_kernel();
  save_scheduled_ = false;
  save_state();
}

}  // namespace ballast::vrrpd
