#include "daemons/checkd/suspension.hpp"

namespace ballast::checkd {

Suspended suspended_services(const config::Model& model, const Roles& roles) {
  std::map<net::IpAddress, bool> here;
  for (const auto& instance : model.vrrp_instances) {
    const auto role = roles.find(instance.name);
    const bool holds = role != roles.end() && role->second.holds_addresses;
    for (const auto* addresses : {&instance.virtual_addresses, &instance.virtual_addresses_excluded}) {
      for (const auto& vip : *addresses) here[vip.prefix.address] |= holds;
    }
  }
  Suspended suspended;
  for (const auto& service : model.virtual_servers) {
    if (!service.ha_suspend) continue;
    bool any = false;
    bool floats = false;
    for (const auto& endpoint : service.endpoints) {
      const auto found = here.find(endpoint.address);
      floats = floats || found != here.end();
      any = any || found == here.end() || found->second;
    }
    if (floats && !any) suspended.insert(service.name);
  }
  return suspended;
}

}  // namespace ballast::checkd
