#include "daemons/forwardd/roles.hpp"

#include <fmt/ranges.h>

namespace ballast::forwardd {

RoleIndex::RoleIndex(const config::Model& model) {
  for (const auto& instance : model.vrrp_instances) {
    for (const auto& vip : instance.virtual_addresses) instance_of_.emplace(vip.prefix.address, instance.name);
    for (const auto& vip : instance.virtual_addresses_excluded) instance_of_.emplace(vip.prefix.address, instance.name);
  }
}

std::set<std::string> RoleIndex::instances_of(const config::VirtualServer& service) const {
  std::set<std::string> instances;
  for (const auto& endpoint : service.endpoints) {
    if (const auto found = instance_of_.find(endpoint.address); found != instance_of_.end())
      instances.insert(found->second);
  }
  return instances;
}

std::string role_name(const std::set<std::string>& instances) { return fmt::format("{}", fmt::join(instances, ",")); }

RoleState role_state(const std::set<std::string>& instances, const std::map<std::string, bus::VrrpRole>& roles) {
  if (instances.empty()) return {.forwarding = true, .known = true};
  RoleState state;
  for (const auto& instance : instances) {
    const auto role = roles.find(instance);
    if (role == roles.end()) continue;
    state.known = true;
    if (role->second == bus::VrrpRole::master) state.forwarding = true;
  }
  return state;
}

}  // namespace ballast::forwardd
