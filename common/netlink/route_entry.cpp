#include "common/netlink/route_entry.hpp"

#include <endian.h>

#include "common/netlink/attributes.hpp"

namespace ballast::netlink {
namespace {

constexpr std::uint32_t default_ipv6_metric = 1024;  ///< IP6_RT_PRIO_USER
constexpr std::uint32_t nothing_suppressed = ~0U;

bool has_hops(std::uint8_t type) {
  return type != RTN_BLACKHOLE && type != RTN_UNREACHABLE && type != RTN_PROHIBIT && type != RTN_THROW;
}

/// A prefix of so many bits, none for an attribute that is not there or does not fit; 0 bits need no attribute.
std::optional<net::Prefix> prefix_of(const Attributes& attributes, std::size_t type, int family, unsigned length) {
  auto address = attributes.ip(type);
  if (!address && length == 0) {
    address = family == AF_INET ? net::IpAddress{} : net::IpAddress::v6(std::array<std::uint8_t, 16>{});
  }
  if (!address || address->af() != family || length > address->bit_length()) return std::nullopt;
  return net::Prefix{*address, static_cast<std::uint8_t>(length)};
}

std::optional<net::IpAddress> gateway_of(const Attributes& attributes) {
  if (const auto gateway = attributes.ip(RTA_GATEWAY)) return gateway;
  // RTA_VIA is a gateway of the other family: two bytes of family, then the address.
  const auto via = attributes.bytes(RTA_VIA);
  if (via.size() <= 2) return std::nullopt;
  const auto gateway = net::IpAddress::from_bytes(via.subspan(2));
  return gateway ? std::optional{*gateway} : std::nullopt;
}

std::vector<NextHop> parse_hops(std::span<const std::uint8_t> bytes) {
  std::vector<NextHop> hops;
  while (bytes.size() >= sizeof(rtnexthop)) {
    rtnexthop header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rtnh_len < sizeof header || header.rtnh_len > bytes.size()) break;
    const Attributes attributes{bytes.subspan(sizeof header, header.rtnh_len - sizeof header)};
    hops.push_back({header.rtnh_ifindex, gateway_of(attributes), header.rtnh_hops,
                    (header.rtnh_flags & RTNH_F_ONLINK) != 0, attributes.number<std::uint32_t>(RTA_FLOW).value_or(0)});
    const std::size_t step = RTNH_ALIGN(std::size_t{header.rtnh_len});
    bytes = step < bytes.size() ? bytes.subspan(step) : std::span<const std::uint8_t>{};
  }
  return hops;
}

void parse_metrics(std::span<const std::uint8_t> bytes, RouteEntry& route) {
  const Attributes attributes{bytes};
  for (std::uint16_t type = RTAX_LOCK; type <= RTAX_MAX; ++type) {
    if (type == RTAX_CC_ALGO)
      route.congestion_control = attributes.text(type);
    else if (const auto value = attributes.number<std::uint32_t>(type))
      route.metrics[type] = *value;
  }
}

template <class T>
std::optional<std::pair<T, T>> range_of(const Attributes& attributes, std::size_t type) {
  const auto data = attributes.bytes(type);
  if (data.size() != 2 * sizeof(T)) return std::nullopt;
  std::array<T, 2> both{};
  std::memcpy(both.data(), data.data(), data.size());
  return std::pair{both[0], both[1]};
}

}  // namespace

RouteEntry canonical(RouteEntry route) {
  if (!has_hops(route.type)) {
    route.hops.clear();
    route.realm = 0;
  }
  if (route.destination.address.is_v6()) {
    if (route.metric == 0) route.metric = default_ipv6_metric;
    route.scope = RT_SCOPE_UNIVERSE;
    if (route.from && route.from->length == 0) route.from.reset();
  }
  if (route.hops.size() == 1) route.hops.front().weight = 0;
  std::ranges::sort(route.hops);
  std::erase_if(route.metrics, [](const auto& metric) { return metric.second == 0; });
  return route;
}

std::optional<RouteEntry> parse_route_entry(const nlmsghdr& message) {
  const auto* header = header_of<rtmsg>(message);
  if (header == nullptr || !is_internet(header->rtm_family) || (header->rtm_flags & RTM_F_CLONED) != 0)
    return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  RouteEntry route;
  const auto destination = prefix_of(attributes, RTA_DST, header->rtm_family, header->rtm_dst_len);
  if (!destination) return std::nullopt;
  route.destination = *destination;
  if (header->rtm_src_len != 0) route.from = prefix_of(attributes, RTA_SRC, header->rtm_family, header->rtm_src_len);
  route.tos = header->rtm_tos;
  route.table = attributes.number<std::uint32_t>(RTA_TABLE).value_or(header->rtm_table);
  route.metric = attributes.number<std::uint32_t>(RTA_PRIORITY).value_or(0);
  route.type = header->rtm_type;
  route.scope = header->rtm_scope;
  route.protocol = header->rtm_protocol;
  route.source = attributes.ip(RTA_PREFSRC);
  route.realm = attributes.number<std::uint32_t>(RTA_FLOW).value_or(0);
  route.preference = attributes.number<std::uint8_t>(RTA_PREF).value_or(0);
  parse_metrics(attributes.bytes(RTA_METRICS), route);
  route.hops = parse_hops(attributes.bytes(RTA_MULTIPATH));
  if (route.hops.empty()) {
    route.hops.push_back({static_cast<int>(attributes.number<std::uint32_t>(RTA_OIF).value_or(0)),
                          gateway_of(attributes), 0, (header->rtm_flags & RTNH_F_ONLINK) != 0, 0});
  }
  return canonical(std::move(route));
}

std::optional<RuleEntry> parse_rule_entry(const nlmsghdr& message) {
  const auto* header = header_of<fib_rule_hdr>(message);
  if (header == nullptr || !is_internet(header->family)) return std::nullopt;
  const Attributes attributes{bytes_after(message, sizeof *header)};
  RuleEntry rule;
  rule.family = header->family == AF_INET ? net::Family::ipv4 : net::Family::ipv6;
  rule.priority = attributes.number<std::uint32_t>(FRA_PRIORITY).value_or(0);
  rule.invert = (header->flags & FIB_RULE_INVERT) != 0;
  if (header->src_len != 0) rule.from = prefix_of(attributes, FRA_SRC, header->family, header->src_len);
  if (header->dst_len != 0) rule.to = prefix_of(attributes, FRA_DST, header->family, header->dst_len);
  rule.tos = header->tos;
  const auto mark = attributes.number<std::uint32_t>(FRA_FWMARK);
  const auto mask = attributes.number<std::uint32_t>(FRA_FWMASK);
  if (mark || mask) rule.mark = {mark.value_or(0), mask.value_or(~0U)};
  rule.input = attributes.text(FRA_IIFNAME);
  rule.output = attributes.text(FRA_OIFNAME);
  rule.action = header->action;
  if (rule.action == FR_ACT_TO_TBL) rule.table = attributes.number<std::uint32_t>(FRA_TABLE).value_or(header->table);
  if (rule.action == FR_ACT_GOTO) rule.target = attributes.number<std::uint32_t>(FRA_GOTO).value_or(0);
  rule.suppress_prefix_length = attributes.number<std::uint32_t>(FRA_SUPPRESS_PREFIXLEN);
  if (rule.suppress_prefix_length == nothing_suppressed) rule.suppress_prefix_length.reset();
  rule.suppress_group = attributes.number<std::uint32_t>(FRA_SUPPRESS_IFGROUP);
  if (rule.suppress_group == nothing_suppressed) rule.suppress_group.reset();
  rule.users = range_of<std::uint32_t>(attributes, FRA_UID_RANGE);
  rule.l3mdev = attributes.number<std::uint8_t>(FRA_L3MDEV).value_or(0) != 0;
  if (rule.l3mdev) rule.table = 0;
  rule.ip_protocol = attributes.number<std::uint8_t>(FRA_IP_PROTO).value_or(0);
  rule.source_ports = range_of<std::uint16_t>(attributes, FRA_SPORT_RANGE);
  rule.destination_ports = range_of<std::uint16_t>(attributes, FRA_DPORT_RANGE);
  if (const auto tunnel = attributes.number<std::uint64_t>(FRA_TUN_ID)) rule.tunnel = be64toh(*tunnel);
  rule.realm = attributes.number<std::uint32_t>(FRA_FLOW).value_or(0);
  rule.protocol = attributes.number<std::uint8_t>(FRA_PROTOCOL).value_or(0);
  return rule;
}

}  // namespace ballast::netlink
