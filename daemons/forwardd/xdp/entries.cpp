#include "daemons/forwardd/xdp/entries.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "daemons/forwardd/xdp/layout_values.hpp"

namespace ballast::forwardd::xdp {
namespace {

/// Writes the next hop of the address that is in the entry, or that there is none.
void set_next_hop(ServerEntry& entry, const FindHop& hops) {
  auto& [server, extra] = entry;
  const auto hop = hops(address_of(server));
  const auto flags = server.flags & ~layout::SERVER_REACHABLE;
  server.flags = static_cast<std::uint8_t>(hop ? flags | layout::SERVER_REACHABLE : flags);
  if (!hop) return;
  server.ifindex = hop->ifindex;
  std::memcpy(server.source_mac, hop->source.bytes.data(), sizeof server.source_mac);
  std::memcpy(server.destination_mac, hop->destination.bytes.data(), sizeof server.destination_mac);
  std::memcpy(extra.outer_source, hop->local.mapped().data(), sizeof extra.outer_source);
  server.mtu = static_cast<std::uint16_t>(std::min(hop->mtu, 65'535U));
  for (std::size_t tag = 0; tag < hop->vlan.size(); ++tag) server.vlan[tag] = htons(hop->vlan[tag]);
}

}  // namespace

FindHop find_in(const NextHops& hops) {
  return [&hops](const net::IpAddress& server) {
    const auto found = hops.find(server);
    return found == hops.end() ? std::nullopt : std::optional{found->second};
  };
}

bool same_bytes(const ServerEntry& a, const ServerEntry& b) {
  return same_bytes(a.value, b.value) && same_bytes(a.extra, b.extra);
}

ServerEntry entry_of(const DesiredService& service, const DesiredServer& server, std::uint32_t owner,
                     std::uint32_t role, const ServerEntry& before, bool fresh, const FindHop& hops) {
  ServerEntry made = fresh ? ServerEntry{} : before;
  auto& [after, extra] = made;
  after.generation = fresh ? before.value.generation + 1 : before.value.generation;
  std::memcpy(after.address, server.endpoint.address.mapped().data(), sizeof after.address);
  after.port = htons(server.endpoint.port);
  after.method = method_of(server.method);
  after.service = owner;
  after.role = role;
  after.tunnel = tunnel_of(server.tunnel.type);
  after.tunnel_port = htons(server.tunnel.port);
  if (fresh) {
    std::memcpy(extra.former_address, before.value.address, sizeof extra.former_address);
    extra.former_port = before.value.port;
  }
  extra.upper_threshold = server.upper_threshold;
  extra.lower_threshold = server.lower_threshold;
  after.weight = weight_of(service.scheduler, server.weight);
  after.flags = flags_of(server);
  set_next_hop(made, hops);
  return made;
}

ServerEntry former_entry(const DesiredServer& server, std::uint32_t role, const ServerEntry& before,
                         const FindHop& hops) {
  ServerEntry made = before;
  made.value.weight = 0;
  made.value.role = role;
  const unsigned checksum = before.value.flags & layout::SERVER_CHECKSUM;
  made.value.flags = static_cast<std::uint8_t>((flags_of(server) & ~unsigned{layout::SERVER_CHECKSUM}) | checksum);
  made.extra.upper_threshold = made.extra.lower_threshold = 0;
  set_next_hop(made, hops);
  return made;
}

layout::service entry_of(const DesiredService& service, std::uint32_t role) {
  layout::service made{};
  made.used = 1;
  made.role = role;
  made.scheduler = scheduler_of(service.scheduler);
  made.timeout_tcp = seconds(service.timeouts.tcp);
  made.timeout_tcp_fin = seconds(service.timeouts.tcp_fin);
  made.timeout_udp = seconds(service.timeouts.udp);
  made.flags = flags_of(service);
  made.persistence = service.persistence_timeout.count() > 0 ? seconds(service.persistence_timeout) : 0;
  made.prefix4 = static_cast<std::uint8_t>(service.persistence_prefix4);
  made.prefix6 = static_cast<std::uint8_t>(service.persistence_prefix6);
  made.client_address = client_address_of(service.client_address);
  return made;
}

std::vector<Change> plan_next_hops(const Mirror& now, const FindHop& hops) {
  std::vector<Change> changes;
  for (std::uint32_t index = 1; index < now.servers.size(); ++index) {
    if ((now.servers[index].flags & layout::SERVER_USED) == 0) continue;
    const ServerEntry before{now.servers[index],
                             index < now.extras.size() ? now.extras[index] : layout::server_extra{}};
    auto after = before;
    set_next_hop(after, hops);
    if (!same_bytes(before, after)) changes.push_back(PutServer{index, after.value, after.extra, false});
  }
  return changes;
}

}  // namespace ballast::forwardd::xdp
