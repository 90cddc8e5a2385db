#include "daemons/vrrpd/shell/kernel_entries.hpp"

#include <linux/icmpv6.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <array>

namespace ballast::vrrpd {
namespace {

constexpr std::array metric_numbers{
    std::pair{std::string_view{"mtu"}, RTAX_MTU},
    std::pair{std::string_view{"window"}, RTAX_WINDOW},
    std::pair{std::string_view{"rtt"}, RTAX_RTT},
    std::pair{std::string_view{"rttvar"}, RTAX_RTTVAR},
    std::pair{std::string_view{"ssthresh"}, RTAX_SSTHRESH},
    std::pair{std::string_view{"cwnd"}, RTAX_CWND},
    std::pair{std::string_view{"advmss"}, RTAX_ADVMSS},
    std::pair{std::string_view{"reordering"}, RTAX_REORDERING},
    std::pair{std::string_view{"hoplimit"}, RTAX_HOPLIMIT},
    std::pair{std::string_view{"initcwnd"}, RTAX_INITCWND},
    std::pair{std::string_view{"features"}, RTAX_FEATURES},
    std::pair{std::string_view{"rto_min"}, RTAX_RTO_MIN},
    std::pair{std::string_view{"initrwnd"}, RTAX_INITRWND},
    std::pair{std::string_view{"quickack"}, RTAX_QUICKACK},
    std::pair{std::string_view{"congctl"}, RTAX_CC_ALGO},
    std::pair{std::string_view{"fastopen_no_cookie"}, RTAX_FASTOPEN_NO_COOKIE},
};

std::uint16_t metric_number(std::string_view name) {
  for (const auto& [known, number] : metric_numbers) {
    if (known == name) return static_cast<std::uint16_t>(number);
  }
  return RTAX_UNSPEC;
}

void fill_metrics(const config::Route& route, netlink::RouteEntry& entry) {
  for (const auto& [name, value] : route.metrics) {
    if (const auto number = metric_number(name); number != RTAX_UNSPEC) entry.metrics[number] = value;
  }
  for (const auto& name : route.locked) {
    if (const auto number = metric_number(name); number != RTAX_UNSPEC) entry.metrics[RTAX_LOCK] |= 1U << number;
  }
  entry.congestion_control = route.congestion_control;
}

std::uint8_t scope_of(const config::VirtualAddress& address) {
  // The kernel derives an IPv6 address's scope from the address itself.
  if (address.prefix.address.is_v6()) return address.prefix.address.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  if (address.scope == "site") return RT_SCOPE_SITE;
  if (address.scope == "link") return RT_SCOPE_LINK;
  if (address.scope == "host") return RT_SCOPE_HOST;
  if (address.scope == "nowhere") return RT_SCOPE_NOWHERE;
  return RT_SCOPE_UNIVERSE;
}

std::uint32_t flags_of(const config::AddressOptions& options) {
  std::uint32_t flags = 0;
  if (options.home) flags |= IFA_F_HOMEADDRESS;
  if (options.temporaries) flags |= IFA_F_MANAGETEMPADDR;
  if (options.no_prefix_route) flags |= IFA_F_NOPREFIXROUTE;
  if (options.join) flags |= IFA_F_MCAUTOJOIN;
  return flags;
}

}  // namespace

Result<netlink::RouteEntry> to_entry(const config::Route& route, const FindLink& find_link) {
  netlink::RouteEntry entry;
  entry.destination = route.destination;
  entry.from = route.from;
  entry.tos = route.tos;
  entry.table = route.table;
  entry.metric = route.metric;
  entry.type = static_cast<std::uint8_t>(route.kind);
  entry.scope = route.scope;
  entry.protocol = route.protocol.value_or(netlink::ballast_route_protocol);
  entry.source = route.source;
  entry.realm = route.realms;
  if (route.preference == "high") entry.preference = ICMPV6_ROUTER_PREF_HIGH;
  if (route.preference == "low") entry.preference = ICMPV6_ROUTER_PREF_LOW;
  for (const auto& hop : route.hops) {
    int link = 0;
    if (!hop.interface.empty()) {
      const auto found = find_link(hop.interface);
      if (!found) return fail("{} does not exist", hop.interface);
      link = *found;
    }
    entry.hops.push_back({link, hop.via, static_cast<std::uint8_t>(hop.weight - 1), hop.onlink, hop.realms});
  }
  fill_metrics(route, entry);
  return canonical(std::move(entry));
}

netlink::RuleEntry to_entry(const config::Rule& rule) {
  netlink::RuleEntry entry;
  entry.family = rule.family;
  entry.priority = rule.preference;
  entry.invert = rule.invert;
  entry.from = rule.from;
  entry.to = rule.to;
  if (entry.from && entry.from->length == 0) entry.from.reset();
  if (entry.to && entry.to->length == 0) entry.to.reset();
  entry.tos = rule.tos;
  entry.mark = rule.mark;
  entry.input = rule.input;
  entry.output = rule.output;
  entry.action = static_cast<std::uint8_t>(rule.action);
  if (rule.action == config::RuleAction::lookup && !rule.l3mdev) entry.table = rule.target;
  if (rule.action == config::RuleAction::jump) entry.target = rule.target;
  entry.suppress_prefix_length = rule.suppress_prefix_length;
  entry.suppress_group = rule.suppress_group;
  entry.users = rule.users;
  entry.l3mdev = rule.l3mdev;
  entry.ip_protocol = rule.ip_protocol;
  entry.source_ports = rule.source_ports;
  entry.destination_ports = rule.destination_ports;
  entry.tunnel = rule.tunnel;
  entry.realm = rule.realms;
  entry.protocol = rule.protocol.value_or(netlink::ballast_route_protocol);
  return entry;
}

netlink::Address to_kernel(const config::VirtualAddress& address, int link, bool deprecated) {
  netlink::Address result;
  result.link = link;
  result.prefix = address.prefix;
  result.scope = scope_of(address);
  result.label = address.label;
  result.broadcast = address.broadcast;
  result.peer = address.options.peer;
  result.protocol = netlink::ballast_address_protocol;
  result.flags = flags_of(address.options);
  result.detect_duplicates = address.options.detect_duplicates;
  const auto& preferred = address.options.preferred;
  if (preferred && *preferred != 0 && *preferred != config::forever) result.preferred = *preferred;
  const bool last_resort = preferred ? *preferred == 0 : deprecated && address.prefix.address.is_v6();
  if (last_resort) result.flags |= IFA_F_DEPRECATED;
  return result;
}

}  // namespace ballast::vrrpd
