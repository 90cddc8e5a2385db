// Virtual MACs get their names, rules their preferences, static objects their interfaces and instances.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "common/config/address_record.hpp"
#include "common/config/resolve.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::uint32_t first_preference = 16'384;  ///< of rules that have none; the next ones count down (keepalived)

/// RFC 9568 section 7.3: 00-00-5E-00-01-VRID, or -02- for IPv6.
net::MacAddress virtual_mac(net::Family family, std::uint8_t vrid) {
  return {{0x00, 0x00, 0x5e, 0x00, static_cast<std::uint8_t>(family == net::Family::ipv4 ? 1 : 2), vrid}};
}

/// Gives each virtual MAC a link: one of interface, family and MAC is one link, whoever uses it.
class VmacNames {
 public:
  explicit VmacNames(Binder& binder) : report_{binder.report()} {
    for (const auto& instance : binder.draft().instances) {
      if (!instance.kernel.vmac || instance.kernel.vmac->value.name.empty()) continue;
      const auto& [draft, at] = *instance.kernel.vmac;
      if (!taken_.insert(draft.name).second) {
        report_.error(at, fmt::format("{} is the virtual MAC of another instance already", draft.name));
      }
    }
  }

  /// `wanted.name`: as configured, else empty.
  Vmac settle(Vmac wanted, const std::string& prefix, std::uint8_t vrid) {
    const std::tuple key{wanted.interface, wanted.family, wanted.mac};
    if (const auto found = links_.find(key); found != links_.end() && wanted.name.empty()) return found->second;
    if (wanted.name.empty()) wanted.name = free_name(prefix, wanted.family, vrid);
    links_[key] = wanted;
    return wanted;
  }

 private:
  /// vrrp.51, vrrp6.51 (IPv6), vrrp1.51, vrrp2.51, …: the first that is free, as keepalived does.
  std::string free_name(const std::string& prefix, net::Family family, std::uint8_t vrid) {
    auto name = fmt::format("{}.{}", prefix, vrid);
    if (taken_.insert(name).second) return name;
    name = fmt::format("{}6.{}", prefix, vrid);
    if (family == net::Family::ipv6 && taken_.insert(name).second) return name;
    for (unsigned number = 1;; ++number) {
      name = fmt::format("{}{}.{}", prefix, number, vrid);
      if (taken_.insert(name).second) return name;
    }
  }

  Report& report_;
  std::set<std::string> taken_;
  std::map<std::tuple<std::string, net::Family, net::MacAddress>, Vmac> links_;
};

class InstanceKernel {
 public:
  InstanceKernel(Binder& binder, const InstanceDraft& draft, VrrpInstance& made, VmacNames& names)
      : binder_{binder}, draft_{draft}, made_{made}, names_{names} {}

  void run() {
    made_.kernel.track_primary = draft_.kernel.track_primary;
    made_.kernel.track_source = draft_.kernel.track_source;
    made_.kernel.promote_secondaries = draft_.kernel.promote_secondaries;
    own();
    for (auto* list : {&made_.virtual_addresses, &made_.virtual_addresses_excluded}) {
      for (auto& address : *list) place(address);
    }
    for (const auto& route : draft_.kernel.routes) add(route);
  }

 private:
  void own() {
    const auto& kernel = draft_.kernel;
    if (kernel.transmit_from_base && !kernel.vmac) {
      binder_.report().warning(*kernel.transmit_from_base, "vmac_xmit_base means nothing without use_vmac");
    }
    if (!kernel.vmac) return;
    const auto& [vmac, at] = *kernel.vmac;
    made_.kernel.transmit_from_base = kernel.transmit_from_base.has_value();
    if (!made_.unicast_peers.empty() && !kernel.transmit_from_base) {
      binder_.report().warning(at, "use_vmac with unicast_peer: advertisements leave by the interface itself",
                               "write vmac_xmit_base");
      made_.kernel.transmit_from_base = true;
    }
    Vmac wanted{vmac.name, made_.interface, made_.family, virtual_mac(made_.family, made_.virtual_router_id),
                vmac.link_group};
    std::copy_n(vmac.mac.begin(), std::min(vmac.mac.size(), wanted.mac.bytes.size()), wanted.mac.bytes.begin());
    if (vmac.mac.size() == wanted.mac.bytes.size() - 1) wanted.mac.bytes.back() = made_.virtual_router_id;
    made_.kernel.vmac = use(wanted, binder_.global().vmac_prefix);
  }

  void place(VirtualAddress& address) {
    const bool asked = std::exchange(address.options.vmac, "") == own_vmac;
    const auto family = address.prefix.address.family();
    const bool elsewhere = address.interface != made_.interface || family != made_.family;
    if (asked || (draft_.kernel.vmac_for_addresses && elsewhere)) {
      if (!elsewhere && !made_.kernel.vmac.empty()) {
        address.options.vmac = made_.kernel.vmac;
        return;
      }
      const auto& global = binder_.global();
      address.options.vmac = use({"", address.interface, family, virtual_mac(family, made_.virtual_router_id), {}},
                                 global.vmac_addr_prefix.empty() ? global.vmac_prefix : global.vmac_addr_prefix);
    } else if (address.interface == made_.interface) {
      address.options.vmac = made_.kernel.vmac;
    }
  }

  std::string use(const Vmac& wanted, const std::string& prefix) {
    auto link = names_.settle(wanted, prefix, made_.virtual_router_id);
    auto& all = made_.kernel.vmacs;
    if (std::ranges::find(all, link.name, &Vmac::name) == all.end()) all.push_back(link);
    return link.name;
  }

  void add(const RouteDraft& draft) {
    if (!draft.route.group.empty()) {
      binder_.report().warning(draft.at, "track_group is for static routes: it is ignored");
    }
    made_.kernel.routes.push_back(draft.route);
    made_.kernel.routes.back().group.clear();
  }

  Binder& binder_;
  const InstanceDraft& draft_;
  VrrpInstance& made_;
  VmacNames& names_;
};

/// Preferences of rules that have none, for each family apart.
class Preferences {
 public:
  explicit Preferences(Report& report) : report_{report} {}
  Rule settle(const RuleDraft& draft) {
    auto rule = draft.rule;
    if (!draft.has_preference) give(rule, draft.at);
    if (rule.action == RuleAction::jump && rule.target <= rule.preference) {
      report_.error(draft.at, fmt::format("goto {} leads back from preference {}: it must be higher", rule.target,
                                          rule.preference));
    }
    return rule;
  }

 private:
  void give(Rule& rule, Position at) {
    auto& next = rule.family == net::Family::ipv4 ? next4_ : next6_;
    rule.preference = next--;
    report_.warning(at, fmt::format("the rule has no preference: it gets {}", rule.preference),
                    "write preference NUMBER, so that their order is yours");
  }

  Report& report_;
  std::uint32_t next4_ = first_preference;
  std::uint32_t next6_ = first_preference;
};

class StaticResolver {
 public:
  StaticResolver(Binder& binder, Model& model, Preferences& preferences)
      : binder_{binder}, statics_{model.statics}, preferences_{preferences} {}

  void run(const Model& model) {
    groups(model);
    for (const auto& draft : binder_.draft().static_addresses) {
      auto address = draft.address;
      address.interface = draft.interface ? draft.interface->value : binder_.draft().kernel.default_interface;
      check_group(address.options.group, draft.at);
      statics_.addresses.push_back(std::move(address));
    }
    for (const auto& draft : binder_.draft().kernel.static_routes) {
      check_group(draft.route.group, draft.at);
      statics_.routes.push_back(draft.route);
    }
    for (const auto& draft : binder_.draft().kernel.static_rules) {
      check_group(draft.rule.group, draft.at);
      statics_.rules.push_back(preferences_.settle(draft));
    }
  }

 private:
  void groups(const Model& model) {
    for (const auto& draft : binder_.draft().kernel.track_groups) {
      if (!known_.insert(draft.name.value).second) {
        binder_.report().error(draft.name.at, fmt::format("track_group {} exists already", shorten(draft.name.value)));
      }
      TrackGroup group{draft.name.value, {}};
      for (const auto& [member, at] : draft.members) {
        if (std::ranges::find(model.vrrp_instances, member, &VrrpInstance::name) == model.vrrp_instances.end()) {
          binder_.report().error(at, fmt::format("there is no vrrp_instance '{}'", shorten(member)));
        }
        group.members.push_back(member);
      }
      statics_.groups.push_back(std::move(group));
    }
  }

  void check_group(const std::string& name, Position at) {
    if (name.empty() || known_.contains(name)) return;
    binder_.report().error(at, fmt::format("there is no track_group '{}'", shorten(name)));
  }

  Binder& binder_;
  StaticObjects& statics_;
  Preferences& preferences_;
  std::unordered_set<std::string> known_;
};

}  // namespace

void resolve_kernel(Binder& binder, Model& model) {
  VmacNames names{binder};
  Preferences preferences{binder.report()};
  const auto& drafts = binder.draft().instances;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    auto& made = model.vrrp_instances[i];
    InstanceKernel{binder, drafts[i], made, names}.run();
    for (const auto& rule : drafts[i].kernel.rules) made.kernel.rules.push_back(preferences.settle(rule));
  }
  StaticResolver{binder, model, preferences}.run(model);
}

}  // namespace ballast::config
