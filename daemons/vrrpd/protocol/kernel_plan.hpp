#pragma once
// What the kernel should have besides virtual addresses: links of virtual MACs, settings of links, routes, rules and
// the firewall's table. A function of the configuration and the roles; what carries it out is in the shell.
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/config/model.hpp"

namespace ballast::vrrpd {

/// An instance and whether it has its addresses: MASTER, or until the new one is known to everybody.
struct KernelClient {
  const config::VrrpInstance* instance = nullptr;
  bool holds = false;
};

/// A route or rule and whose it is: an instance's name; empty: it is static.
template <class Object>
struct Owned {
  Object object;
  std::string owner;
  bool operator==(const Owned&) const = default;
};

/// What the firewall keeps from happening.
struct FirewallPlan {
  config::Firewall settings;
  std::set<net::IpAddress> unaccepted;  ///< VIPs that this host itself takes nothing for
  std::set<std::pair<net::IpAddress, std::string>> unaccepted_on_link;  ///< link-local ones, each on its interface
  std::map<std::string, std::string> vmacs4, vmacs6;  ///< links of virtual MACs and what they stand on
  [[nodiscard]] bool empty() const {
    return unaccepted.empty() && unaccepted_on_link.empty() && vmacs4.empty() && vmacs6.empty();
  }
  bool operator==(const FirewallPlan&) const = default;
};

/// By interface: names as under /proc/sys/net/ipv4/conf, and the least value each should have.
using SettingsPlan = std::map<std::string, std::map<std::string, std::uint32_t>>;

struct KernelPlan {
  std::map<std::string, config::Vmac> vmacs;
  SettingsPlan settings;
  std::vector<Owned<config::Route>> routes;
  std::vector<Owned<config::Rule>> rules;
  FirewallPlan firewall;
};

KernelPlan plan_kernel(std::span<const KernelClient> clients, const config::StaticObjects& statics,
                       const config::Firewall& firewall);

/// An instance with its addresses where they are: on the link of their virtual MAC, if they have one.
config::VrrpInstance placed(config::VrrpInstance instance);

/// The interface whose advertisements an instance hears. With a virtual MAC that is its link, whatever the others send
/// from: what comes from the same virtual MAC reaches that link alone.
const std::string& listening_interface(const config::VrrpInstance& instance);
/// The interface that its own advertisements leave by.
const std::string& sending_interface(const config::VrrpInstance& instance);

/// The table's text for `nft -f`: both families, replaced in one transaction. A plan that is empty removes it.
std::string firewall_text(const FirewallPlan& plan);

}  // namespace ballast::vrrpd
