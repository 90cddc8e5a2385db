// The firewall's table, as text for nft.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemons/vrrpd/protocol/kernel_plan.hpp"

namespace ballast::vrrpd {
namespace {

class Table {
 public:
  Table(const FirewallPlan& plan, net::Family family)
      : plan_{plan}, six_{family == net::Family::ipv6}, vmacs_{six_ ? plan.vmacs6 : plan.vmacs4} {
    for (const auto& address : plan.unaccepted) {
      if (address.family() == family) vips_.push_back(address.to_string());
    }
    if (six_) {
      for (const auto& [address, interface] : plan.unaccepted_on_link) {
        on_link_.push_back(fmt::format("{} . \"{}\"", address, interface));
      }
    }
  }

  [[nodiscard]] std::string text() const {
    const auto name = fmt::format("{} {}", six_ ? "ip6" : "ip", plan_.settings.table);
    // Added so that it can be deleted: all in one transaction.
    auto out = fmt::format("add table {0}\ndelete table {0}\n", name);
    if (vips_.empty() && on_link_.empty() && vmacs_.empty()) return out;
    return out + fmt::format("table {} {{\n{}{}{}}}\n", name, sets(), chain("in", "input", "daddr", "iifname"),
                             chain("out", "output", "saddr", "oifname"));
  }

 private:
  [[nodiscard]] std::string sets() const {
    std::string out;
    if (!vips_.empty()) {
      out += fmt::format("  set vips {{ type {}; elements = {{ {} }} }}\n", six_ ? "ipv6_addr" : "ipv4_addr",
                         fmt::join(vips_, ", "));
    }
    if (!on_link_.empty()) {
      out += fmt::format("  set vips_on_link {{ type ipv6_addr . ifname; elements = {{ {} }} }}\n",
                         fmt::join(on_link_, ", "));
    }
    if (!vmacs_.empty()) {
      std::vector<std::string> pairs;
      for (const auto& [vmac, base] : vmacs_) pairs.push_back(fmt::format("\"{}\" : \"{}\"", vmac, base));
      out += fmt::format("  map vmacs {{ type ifname : iface_index; elements = {{ {} }} }}\n", fmt::join(pairs, ", "));
    }
    return out;
  }

  [[nodiscard]] std::string chain(std::string_view name, std::string_view hook, std::string_view side,
                                  std::string_view interface) const {
    const std::string counter = plan_.settings.counters ? "counter " : "";
    auto out = fmt::format("  chain {} {{\n    type filter hook {} priority {}; policy accept;\n", name, hook,
                           plan_.settings.priority);
    if (!vmacs_.empty() && hook == "output") out += memberships(counter);
    // Neighbour discovery is what brings the packets that are forwarded here.
    if (six_ && (!vips_.empty() || !on_link_.empty())) {
      out += fmt::format("    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} {}accept\n", counter);
    }
    if (!on_link_.empty()) out += fmt::format("    ip6 {} . {} @vips_on_link {}drop\n", side, interface, counter);
    if (!vips_.empty()) out += fmt::format("    {} {} @vips {}drop\n", six_ ? "ip6" : "ip", side, counter);
    return out + "  }\n";
  }

  /// A switch that learned the virtual MAC from a backup's report would send the VIP's packets there: reports leave by
  /// the interface below.
  [[nodiscard]] std::string memberships(const std::string& counter) const {
    if (!six_) return fmt::format("    ip protocol igmp {}dup to ip daddr device oifname map @vmacs drop\n", counter);
    std::vector<std::string> names;
    for (const auto& [vmac, base] : vmacs_) names.push_back(fmt::format("\"{}\"", vmac));
    return fmt::format(
        "    icmpv6 type mld2-listener-report {0}dup to ip6 daddr device oifname map @vmacs drop\n"
        "    icmpv6 type nd-router-solicit oifname {{ {1} }} {0}drop\n",
        counter, fmt::join(names, ", "));
  }

  const FirewallPlan& plan_;
  bool six_;
  const std::map<std::string, std::string>& vmacs_;
  std::vector<std::string> vips_;
  std::vector<std::string> on_link_;
};

}  // namespace

std::string firewall_text(const FirewallPlan& plan) {
  return Table{plan, net::Family::ipv4}.text() + Table{plan, net::Family::ipv6}.text();
}

}  // namespace ballast::vrrpd
