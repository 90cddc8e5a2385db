// Socket: routes and rules.
#include <endian.h>

#include "common/netlink/socket_impl.hpp"

namespace ballast::netlink {
namespace {

void put_gateway(Request& request, const net::IpAddress& gateway, const net::Prefix& destination) {
  if (gateway.family() == destination.address.family()) return request.put(RTA_GATEWAY, gateway);
  std::vector<std::uint8_t> via(2 + gateway.bytes().size());
  const auto family = static_cast<std::uint16_t>(gateway.af());
  std::memcpy(via.data(), &family, sizeof family);
  std::ranges::copy(gateway.bytes(), via.begin() + 2);
  request.put_bytes(RTA_VIA, via);
}

void put_hops(Request& request, const RouteEntry& route) {
  request.put_nest(RTA_MULTIPATH, [&] {
    for (const auto& hop : route.hops) {
      auto* header = request.header();
      auto* where = static_cast<rtnexthop*>(mnl_nlmsg_get_payload_tail(header));
      *where = {0, static_cast<std::uint8_t>(hop.onlink ? RTNH_F_ONLINK : 0), hop.weight, hop.link};
      const auto begin = header->nlmsg_len;
      header->nlmsg_len += sizeof *where;
      if (hop.gateway) put_gateway(request, *hop.gateway, route.destination);
      if (hop.realm != 0) request.put(RTA_FLOW, hop.realm);
      where->rtnh_len = static_cast<std::uint16_t>(header->nlmsg_len - begin);
    }
  });
}

void put_metrics(Request& request, const RouteEntry& route) {
  if (route.metrics.empty() && route.congestion_control.empty()) return;
  request.put_nest(RTA_METRICS, [&] {
    for (const auto& [type, value] : route.metrics) request.put(type, value);
    if (!route.congestion_control.empty()) request.put(RTAX_CC_ALGO, route.congestion_control);
  });
}

Request route_request(std::uint16_t type, std::uint16_t flags, const RouteEntry& route) {
  Request request{type, static_cast<std::uint16_t>(NLM_F_ACK | flags)};
  auto& header = request.extra<rtmsg>();
  header.rtm_family = static_cast<std::uint8_t>(route.destination.address.af());
  header.rtm_dst_len = route.destination.length;
  header.rtm_src_len = route.from ? route.from->length : 0;
  header.rtm_tos = route.tos;
  header.rtm_table = route.table < 256 ? static_cast<std::uint8_t>(route.table) : std::uint8_t{RT_TABLE_UNSPEC};
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.scope;
  header.rtm_type = route.type;
  if (route.hops.size() == 1 && route.hops.front().onlink) header.rtm_flags = RTNH_F_ONLINK;
  request.put(RTA_TABLE, route.table);
  if (route.destination.length != 0) request.put(RTA_DST, route.destination.address);
  if (route.from) request.put(RTA_SRC, route.from->address);
  if (route.metric != 0) request.put(RTA_PRIORITY, route.metric);
  if (route.source) request.put(RTA_PREFSRC, *route.source);
  if (route.realm != 0) request.put(RTA_FLOW, route.realm);
  if (route.preference != 0) request.put(RTA_PREF, route.preference);
  if (route.hops.size() == 1) {
    const auto& hop = route.hops.front();
    if (hop.link != 0) request.put(RTA_OIF, static_cast<std::uint32_t>(hop.link));
    if (hop.gateway) put_gateway(request, *hop.gateway, route.destination);
  } else if (!route.hops.empty()) {
    put_hops(request, route);
  }
  put_metrics(request, route);
  return request;
}

template <class T>
void put_range(Request& request, std::uint16_t type, const std::optional<std::pair<T, T>>& range) {
  if (range) request.put(type, std::array<T, 2>{range->first, range->second});
}

Request rule_request(std::uint16_t type, std::uint16_t flags, const RuleEntry& rule) {
  Request request{type, static_cast<std::uint16_t>(NLM_F_ACK | flags)};
  auto& header = request.extra<fib_rule_hdr>();
  header.family = rule.family == net::Family::ipv4 ? AF_INET : AF_INET6;
  header.src_len = rule.from ? rule.from->length : 0;
  header.dst_len = rule.to ? rule.to->length : 0;
  header.tos = rule.tos;
  header.action = rule.action;
  header.flags = rule.invert ? FIB_RULE_INVERT : 0;
  request.put(FRA_PRIORITY, rule.priority);
  request.put(FRA_PROTOCOL, rule.protocol);
  if (rule.action == FR_ACT_TO_TBL && !rule.l3mdev) request.put(FRA_TABLE, rule.table);
  if (rule.action == FR_ACT_GOTO) request.put(FRA_GOTO, rule.target);
  if (rule.l3mdev) request.put(FRA_L3MDEV, std::uint8_t{1});
  if (rule.from) request.put(FRA_SRC, rule.from->address);
  if (rule.to) request.put(FRA_DST, rule.to->address);
  if (rule.mark) {
    request.put(FRA_FWMARK, rule.mark->first);
    request.put(FRA_FWMASK, rule.mark->second);
  }
  if (!rule.input.empty()) request.put(FRA_IIFNAME, rule.input);
  if (!rule.output.empty()) request.put(FRA_OIFNAME, rule.output);
  if (rule.suppress_prefix_length) request.put(FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
  if (rule.suppress_group) request.put(FRA_SUPPRESS_IFGROUP, *rule.suppress_group);
  put_range(request, FRA_UID_RANGE, rule.users);
  if (rule.ip_protocol != 0) request.put(FRA_IP_PROTO, rule.ip_protocol);
  put_range(request, FRA_SPORT_RANGE, rule.source_ports);
  put_range(request, FRA_DPORT_RANGE, rule.destination_ports);
  if (rule.tunnel) request.put(FRA_TUN_ID, htobe64(*rule.tunnel));
  if (rule.realm != 0) request.put(FRA_FLOW, rule.realm);
  return request;
}

}  // namespace

Result<std::vector<RouteEntry>> Socket::routes(std::uint8_t protocol) {
  std::vector<RouteEntry> all;
  for (const int family : {AF_INET, AF_INET6}) {
    auto some = impl_->dump_filtered<RouteEntry, rtmsg>(RTM_GETROUTE, parse_route_entry, "routes", [&](rtmsg& header) {
      header.rtm_family = static_cast<std::uint8_t>(family);
      header.rtm_protocol = protocol;
    });
    if (!some) return some.error();
    // A kernel that does not filter tells all.
    std::ranges::copy_if(*some, std::back_inserter(all),
                         [&](const auto& route) { return protocol == RTPROT_UNSPEC || route.protocol == protocol; });
  }
  return all;
}

Result<> Socket::add_route(const RouteEntry& route, RoutePlace place) {
  const auto flags = place == RoutePlace::add      ? NLM_F_CREATE | NLM_F_EXCL
                     : place == RoutePlace::append ? NLM_F_CREATE | NLM_F_APPEND
                                                   : NLM_F_CREATE;
  auto request = route_request(RTM_NEWROUTE, static_cast<std::uint16_t>(flags), route);
  const auto failure = impl_->acknowledge(request);
  if (!failure || (failure->code == EEXIST && place != RoutePlace::add)) return {};
  return fail("{}", failure->to_string());
}

Result<> Socket::remove_route(const RouteEntry& route) {
  auto request = route_request(RTM_DELROUTE, 0, route);
  const auto failure = impl_->acknowledge(request);
  if (!failure || failure->code == ESRCH || failure->code == ENODEV) return {};
  return fail("cannot remove the route to {}: {}", route.destination, failure->to_string());
}

Result<std::vector<RuleEntry>> Socket::rules() {
  std::vector<RuleEntry> all;
  for (const int family : {AF_INET, AF_INET6}) {
    auto some = impl_->dump_filtered<RuleEntry, fib_rule_hdr>(
        RTM_GETRULE, parse_rule_entry, "rules",
        [&](fib_rule_hdr& header) { header.family = static_cast<std::uint8_t>(family); });
    if (!some) return some.error();
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

Result<> Socket::add_rule(const RuleEntry& rule) {
  auto request = rule_request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
  const auto failure = impl_->acknowledge(request);
  if (!failure || failure->code == EEXIST) return {};
  return fail("{}", failure->to_string());
}

Result<> Socket::remove_rule(const RuleEntry& rule) {
  auto request = rule_request(RTM_DELRULE, 0, rule);
  const auto failure = impl_->acknowledge(request);
  if (!failure || failure->code == ENOENT) return {};
  return fail("cannot remove the rule of preference {}: {}", rule.priority, failure->to_string());
}

}  // namespace ballast::netlink
