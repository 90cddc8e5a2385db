#include "common/config/resolve.hpp"

#include <algorithm>
#include <unordered_set>

namespace ballast::config {

namespace {

/// Nodes whose instance has one VRID tell each other, unless an id says otherwise.
void resolve_sync_daemon(Binder& binder, Model& model) {
  if (!binder.draft().sync_daemon) return;
  auto [daemon, at] = *binder.draft().sync_daemon;
  const auto instance = std::ranges::find(model.vrrp_instances, daemon.instance, &VrrpInstance::name);
  if (instance != model.vrrp_instances.end()) {
    if (daemon.id == 0) daemon.id = instance->virtual_router_id;
  } else if (!daemon.instance.empty()) {
    binder.report().error(at, fmt::format("there is no vrrp_instance '{}'", shorten(daemon.instance)));
  }
  model.global.sync_daemon = std::move(daemon);
}

}  // namespace

Model resolve(Binder& binder) {
  Model model;
  const auto& draft = binder.draft();
  model.global = draft.global;
  for (const auto& [name, at] : draft.lb_interfaces) {
    if (std::ranges::find(model.global.lb_interfaces, name) == model.global.lb_interfaces.end()) {
      model.global.lb_interfaces.push_back(name);
    }
  }
  auto& timeouts = model.global.lvs_timeouts;
  timeouts.tcp = draft.timeouts.tcp.value_or(timeouts.tcp);
  timeouts.tcp_fin = draft.timeouts.tcp_fin.value_or(timeouts.tcp_fin);
  timeouts.udp = draft.timeouts.udp.value_or(timeouts.udp);
  resolve_vrrp(binder, model);
  resolve_kernel(binder, model);
  resolve_scripts(binder, model);
  resolve_services(binder, model);
  resolve_tracking(binder, model);
  resolve_sync_daemon(binder, model);
  return model;
}

namespace {

void add_uses(const std::vector<RouteDraft>& routes, std::vector<At<std::string>>& named) {
  for (const auto& [route, at] : routes) {
    for (const auto& hop : route.hops) {
      if (!hop.interface.empty()) named.push_back({hop.interface, at});
    }
  }
}

}  // namespace

std::vector<InterfaceUse> interface_uses(Binder& binder) {
  std::vector<At<std::string>> named = binder.draft().lb_interfaces;
  for (const auto& instance : binder.draft().instances) {
    if (instance.interface) named.push_back(*instance.interface);
    for (const auto* list : {&instance.addresses, &instance.excluded}) {
      for (const auto& address : *list) {
        if (address.interface) named.push_back(*address.interface);
      }
    }
    for (const auto& [tracked, at] : instance.tracked) named.push_back({tracked.interface, at});
    add_uses(instance.kernel.routes, named);
  }
  for (const auto& address : binder.draft().static_addresses) {
    named.push_back(
        address.interface ? *address.interface : At<std::string>{binder.draft().kernel.default_interface, address.at});
  }
  add_uses(binder.draft().kernel.static_routes, named);
  for (const auto& group : binder.draft().sync_groups) {
    for (const auto& [tracked, at] : group.tracked) named.push_back({tracked.interface, at});
  }
  std::ranges::stable_sort(named, {}, [](const auto& use) { return std::pair{use.at.line, use.at.column}; });
  std::unordered_set<std::string_view> seen;
  std::vector<InterfaceUse> uses;
  for (const auto& [name, at] : named) {
    if (!seen.insert(name).second) continue;
    auto missing =
        binder.report().make(Severity::warning, at, fmt::format("interface '{}' does not exist on this machine", name));
    uses.push_back({name, std::move(missing)});
  }
  return uses;
}

}  // namespace ballast::config
