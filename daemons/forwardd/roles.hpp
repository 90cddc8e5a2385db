#pragma once
// Which VRRP instances decide whether a service forwards. Pure.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"

namespace ballast::forwardd {

struct RoleState {
  bool forwarding = false;  ///< a VIP's instance is MASTER
  bool known = false;       ///< false: vrrpd has not spoken yet; an engine that adopted a data path keeps its word
  bool operator==(const RoleState&) const = default;
};

/// Looks services' VIPs up among those of the VRRP instances.
class RoleIndex {
 public:
  explicit RoleIndex(const config::Model& model);
  /// Names of the instances that own a VIP of this service, sorted; empty when none does.
  [[nodiscard]] std::set<std::string> instances_of(const config::VirtualServer& service) const;

 private:
  std::map<net::IpAddress, std::string> instance_of_;
};

/// The name under which services with the same instances share one role: their names with commas.
std::string role_name(const std::set<std::string>& instances);

/// A service forwards while any of its VIPs is here: packets to its other VIPs go to the machine that has those.
RoleState role_state(const std::set<std::string>& instances, const std::map<std::string, bus::VrrpRole>& roles);

}  // namespace ballast::forwardd
