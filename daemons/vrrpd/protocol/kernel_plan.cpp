#include "daemons/vrrpd/protocol/kernel_plan.hpp"

#include <algorithm>

#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd {
namespace {

/// Neither the link of a virtual MAC nor what it stands on may answer ARP for the other's addresses, nor ask in their
/// name: answers to the VIP's clients leave by the interface below, and its question "tell VIP" would teach its MAC.
void plan_vmac(KernelPlan& plan, const config::Vmac& vmac) {
  plan.vmacs.emplace(vmac.name, vmac);
  if (vmac.family == net::Family::ipv6) {
    plan.firewall.vmacs6[vmac.name] = vmac.interface;
    return;
  }
  plan.firewall.vmacs4[vmac.name] = vmac.interface;
  auto& base = plan.settings[vmac.interface];
  base["arp_ignore"] = 1;
  base["arp_filter"] = 1;
  base["arp_announce"] = 2;
  plan.settings[vmac.name] = {{"arp_ignore", 1}, {"accept_local", 1}, {"promote_secondaries", 1}};
}

void plan_firewall(FirewallPlan& plan, const config::VrrpInstance& instance) {
  if (instance.accept || instance.priority == priority_owner) return;
  for (const auto* list : {&instance.virtual_addresses, &instance.virtual_addresses_excluded}) {
    for (const auto& address : *list) {
      const auto& ip = address.prefix.address;
      if (ip.is_v6() && ip.is_link_local())
        plan.unaccepted_on_link.emplace(ip, address.interface);
      else
        plan.unaccepted.insert(ip);
    }
  }
}

void plan_instance(KernelPlan& plan, const config::VrrpInstance& instance, bool holds) {
  for (const auto& vmac : instance.kernel.vmacs) plan_vmac(plan, vmac);
  plan_firewall(plan.firewall, instance);
  if (instance.kernel.promote_secondaries) {
    for (const auto* list : {&instance.virtual_addresses, &instance.virtual_addresses_excluded}) {
      for (const auto& address : *list) plan.settings[address.interface]["promote_secondaries"] = 1;
    }
  }
  if (!holds) return;
  for (const auto& route : instance.kernel.routes) plan.routes.push_back({route, instance.name});
  for (const auto& rule : instance.kernel.rules) plan.rules.push_back({rule, instance.name});
}

}  // namespace

KernelPlan plan_kernel(std::span<const KernelClient> clients, const config::StaticObjects& statics,
                       const config::Firewall& firewall) {
  KernelPlan plan;
  plan.firewall.settings = firewall;
  for (const auto& route : statics.routes) plan.routes.push_back({route, ""});
  for (const auto& rule : statics.rules) plan.rules.push_back({rule, ""});
  for (const auto& client : clients) plan_instance(plan, *client.instance, client.holds);
  return plan;
}

config::VrrpInstance placed(config::VrrpInstance instance) {
  for (auto* list : {&instance.virtual_addresses, &instance.virtual_addresses_excluded}) {
    for (auto& address : *list) {
      if (!address.options.vmac.empty()) address.interface = address.options.vmac;
    }
  }
  return instance;
}

const std::string& listening_interface(const config::VrrpInstance& instance) {
  return instance.kernel.vmac.empty() || !instance.unicast_peers.empty() ? instance.interface : instance.kernel.vmac;
}

const std::string& sending_interface(const config::VrrpInstance& instance) {
  return instance.kernel.vmac.empty() || instance.kernel.transmit_from_base ? instance.interface : instance.kernel.vmac;
}

}  // namespace ballast::vrrpd
