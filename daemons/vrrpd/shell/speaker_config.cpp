// Speaker: how configurations come into force.
#include <algorithm>
#include <set>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"

namespace ballast::vrrpd {
namespace {

/// Instances with what their group adds to them (its tracked interfaces) and their addresses where they are.
std::vector<config::VrrpInstance> effective_instances(const config::Model& model) {
  auto instances = model.vrrp_instances;
  for (const auto& group : model.vrrp_sync_groups) {
    for (auto& instance : instances) {
      if (std::ranges::find(group.members, instance.name) == group.members.end()) continue;
      instance.track_interfaces.insert(instance.track_interfaces.end(), group.track_interfaces.begin(),
                                       group.track_interfaces.end());
    }
  }
  for (auto& instance : instances) instance = placed(std::move(instance));
  return instances;
}

/// What another router sees as another virtual router: changing it is a stop and a start.
bool same_identity(const config::VrrpInstance& left, const config::VrrpInstance& right) {
  return left.interface == right.interface && left.virtual_router_id == right.virtual_router_id &&
         left.version == right.version && left.family == right.family && left.source == right.source &&
         left.unicast_peers == right.unicast_peers && left.kernel.vmac == right.kernel.vmac &&
         left.kernel.vmacs == right.kernel.vmacs && left.kernel.transmit_from_base == right.kernel.transmit_from_base;
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
  return {};
}

void Speaker::apply(const config::Model& model) {
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
  start_routers(fresh);
  for (const auto& group : groups_) {
    if (!group->members.empty()) settle(*group->members.front(), group->members.front()->core.role());
  }
  if (!configured_ || model.vrrp_instances != model_.vrrp_instances ||
      model.vrrp_sync_groups != model_.vrrp_sync_groups || model.statics != model_.statics ||
      model.global.firewall != model_.global.firewall) {
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
  if (const auto done = write_model(run_dir_, ours); !done) log::error("{}", done.error().message);
}

void Speaker::stop_router(const std::string& name, const std::string& reason) {
  auto& router = *routers_.at(name);
  if (router.group != nullptr) std::erase(router.group->members, &router);
  router.group = nullptr;
  dispatch(router, Stop{reason});
  timers_.remove(router.id);
  router.port->routers[router.config.virtual_router_id] = nullptr;
  release_port(*router.port);
  release_port(*router.out);
  by_id_.erase(router.id);
  routers_.erase(name);
}

void Speaker::reconfigure(Router& router, const config::VrrpInstance& settings) {
  const auto before = std::exchange(router.config, settings);
  router.advertised = advertised_addresses(settings);
  if (router.put) {
    keeper_->take(without(all_addresses(before), all_addresses(settings)));
    keeper_->put(all_addresses(settings));
  }
  tell_links(router);
  dispatch(router, Reconfigured{settings});
  log::info("{}: new configuration in force", settings.name);
  publish(router);
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
  }
  for (auto& [name, router] : routers_) {
    router->core.set_grouped(router->group != nullptr);
    if (router->group == nullptr && router->core.held_by_group()) {
      dispatch(*router, GroupOrder{GroupCommand::release, "in no sync group any more"});
    }
  }
}

void Speaker::start_routers(const std::vector<Router*>& fresh) {
  for (auto* router : fresh) {
    tell_links(*router);
    tell_source(*router);
    tell_need(*router);
  }
  std::map<Router*, std::string> continuing;
  for (auto* router : fresh) {
    if (auto reason = continues(*router)) continuing.emplace(router, std::move(*reason));
  }
  // A sync group goes on as a whole or not at all.
  std::erase_if(continuing, [&](const auto& entry) {
    const auto* group = entry.first->group;
    return group != nullptr &&
           !std::ranges::all_of(group->members, [&](Router* member) { return continuing.contains(member); });
  });
  for (auto* router : fresh) {
    const auto found = continuing.find(router);
    dispatch(*router, found == continuing.end() ? Start{} : Start{found->second});
  }
}

std::optional<std::string> Speaker::continues(const Router& router) const {
  if (!before_) return std::nullopt;
  const auto found = std::ranges::find_if(
      before_->instances, [&](const SavedInstance& saved) { return saved.settings.name == router.config.name; });
  if (found == before_->instances.end() || found->role != Role::master) return std::nullopt;
  if (!same_identity(found->settings, router.config)) return std::nullopt;
  const auto silence = runtime::BootClock::now() - last_life_;
  if (silence < Duration{} || silence >= router.core.down_interval()) return std::nullopt;
  return fmt::format("goes on after a restart: it was MASTER {} ago", describe(silence));
}

void Speaker::tell_links(Router& router) {
  std::set<std::string> interfaces{router.config.interface};
  for (const auto& track : router.config.track_interfaces) interfaces.insert(track.interface);
  for (const auto& interface : interfaces) {
    dispatch(router, LinkChanged{interface, host_->is_up(interface), host_->describe(interface)});
  }
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
  const bool multicast = std::ranges::any_of(
      port.routers, [](const auto* router) { return router != nullptr && router->config.unicast_peers.empty(); });
  if (!multicast) return;
  if (const auto joined = port.socket->join(); !joined) log::error("{}: {}", port.interface, joined.error().message);
}

void Speaker::stop() {
  std::vector<std::string> names;
  for (const auto& [name, router] : routers_) names.push_back(name);
  for (const auto& name : names) stop_router(name, "stopped");
  clear_kernel();
  save_scheduled_ = false;
  save_state();
}

}  // namespace ballast::vrrpd
