#include "daemons/forwardd/xdp/report.hpp"

#include <arpa/inet.h>

#include <atomic>
#include <bit>
#include <ctime>
#include <numeric>

namespace ballast::forwardd::xdp {
namespace {

net::Endpoint endpoint_of(const __u8 (&address)[16], std::uint16_t wire_port) {
  return {net::IpAddress::v6(address), ntohs(wire_port)};
}

/// As the program counts them: unlike BootClock, this one stands still while the machine sleeps.
std::uint32_t program_seconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return static_cast<std::uint32_t>(time.tv_sec);
}

bool wanted(const layout::flow& flow, const Mirror& mirror, std::optional<std::uint32_t> service,
            const ConnectionFilter& filter) {
  if (flow.server >= mirror.servers.size()) return false;
  const auto& server = mirror.servers[flow.server];
  if (!filter.service.empty() && server.service != service) return false;
  if (!filter.client.empty() && net::IpAddress::v6(flow.client).to_string() != filter.client) return false;
  return filter.server.empty() || endpoint_of(server.address, server.port).to_string() == filter.server;
}

struct DropText {
  const char* name;
  const char* explanation;
};
#define X(name, explanation) {#name, explanation},
constexpr DropText drop_texts[] = {DROP_REASONS(X)};
constexpr DropText event_texts[] = {EVENTS(X)};
#undef X

std::uint64_t total(const Object& object, const char* map, std::uint32_t index) {
  const auto counts = object.maps.at(map).get_per_cpu<std::uint64_t>(index);
  return counts ? std::accumulate(counts->begin(), counts->end(), std::uint64_t{0}) : 0;
}

}  // namespace

std::string_view state_name(std::uint8_t state) {
  switch (state) {
    case layout::STATE_UDP_NEW:
    case layout::STATE_UDP:
      return "UDP";
    case layout::STATE_SYN_RECV:
    case layout::STATE_SYN_AGAIN:
    case layout::STATE_SYN_ACK:
      return "SYN_RECV";
    case layout::STATE_ESTABLISHED:
      return "ESTABLISHED";
    case layout::STATE_FIN_WAIT:
      return "FIN_WAIT";
    case layout::STATE_CLOSE_WAIT:
      return "CLOSE_WAIT";
    case layout::STATE_TIME_WAIT:
      return "TIME_WAIT";
    case layout::STATE_CLOSE:
      return "CLOSE";
    default:
      return "NONE";
  }
}

namespace {

config::Method method_of(std::uint8_t method) {
  switch (method) {
    case layout::METHOD_DR:
      return config::Method::dr;
    case layout::METHOD_TUN:
      return config::Method::tun;
    case layout::METHOD_FNAT:
      return config::Method::fnat;
    default:
      return config::Method::nat;
  }
}

}  // namespace

layout::server_stats sum(const std::vector<layout::server_stats>& per_cpu) {
  layout::server_stats total{};
  for (const auto& one : per_cpu) {
    total.connections += one.connections;
    total.packets_in += one.packets_in;
    total.bytes_in += one.bytes_in;
    total.packets_out += one.packets_out;
    total.bytes_out += one.bytes_out;
    total.answered += one.answered;
    total.unanswered += one.unanswered;
    total.refused += one.refused;
  }
  return total;
}

Result<ServerCounters> read_counters(const Object& object, const LoadTable& load, std::uint32_t server) {
  const auto per_cpu = object.maps.at("server_stats").get_per_cpu<layout::server_stats>(server);
  if (!per_cpu) return per_cpu.error();
  const auto stats = sum(*per_cpu);
  const auto now = load.get(server);
  return ServerCounters{now.active, now.inactive, stats.connections, stats.packets_in, stats.packets_out,
                        stats.bytes_in, stats.bytes_out, stats.answered,
                        // Taken back on one CPU before it is seen counted on another.
                        static_cast<std::int64_t>(stats.unanswered) < 0 ? 0 : stats.unanswered, stats.refused};
}

unsigned take_failed_clients(const MappedArray<std::uint64_t>& failed_clients, std::uint32_t server) {
  if (server >= failed_clients.size()) return 0;
  return static_cast<unsigned>(std::popcount(std::atomic_ref{failed_clients[server]}.exchange(0)));
}

std::optional<bus::Connection> describe(const layout::flow& flow, const Mirror& mirror, std::uint32_t now) {
  if (flow.server >= mirror.servers.size()) return std::nullopt;
  const auto& server = mirror.servers[flow.server];
  if (static_cast<__u16>(server.generation) != flow.server_generation || (server.flags & layout::SERVER_USED) == 0)
    return std::nullopt;
  const auto idle = now > flow.last_seen ? now - flow.last_seen : 0;
  if (idle > flow.lifetime) return std::nullopt;
  bus::Connection connection;
  connection.protocol = name_of(static_cast<config::Protocol>(flow.protocol));
  connection.client = endpoint_of(flow.client, flow.client_port).to_string();
  connection.virtual_address = endpoint_of(flow.vip, flow.vip_port).to_string();
  connection.server = endpoint_of(server.address, server.port).to_string();
  connection.method = name_of(method_of(server.method));
  connection.state = state_name(CONTROL_STATE(flow.control));
  connection.expires = flow.lifetime - idle;
  return connection;
}

std::vector<bus::Connection> list_connections(const FlowTable& flows, const Mirror& mirror,
                                              const std::map<std::string, PlannedService>& services,
                                              const ConnectionFilter& filter) {
  std::vector<bus::Connection> found;
  std::map<std::uint32_t, std::string> names;
  std::optional<std::uint32_t> service;
  for (const auto& [name, planned] : services) {
    names[planned.index] = name;
    if (name == filter.service) service = planned.index;
  }
  const auto now = program_seconds();
  flows.for_each([&](std::size_t, const layout::flow& flow) {
    if (!wanted(flow, mirror, service, filter)) return true;
    if (auto connection = describe(flow, mirror, now)) {
      connection->service = names[mirror.servers[flow.server].service];
      found.push_back(std::move(*connection));
    }
    return found.size() < filter.limit;
  });
  return found;
}

bus::DropCount drop_text(std::uint32_t reason) {
  if (reason >= layout::DROP_COUNT) return {"unknown", "a reason that this version does not know"};
  return {drop_texts[reason].name, drop_texts[reason].explanation};
}

std::vector<bus::DropCount> read_drops(const Object& object) {
  std::vector<bus::DropCount> drops;
  for (std::uint32_t reason = 0; reason < layout::DROP_COUNT; ++reason) {
    const auto& text = drop_texts[reason];
    drops.push_back({text.name, text.explanation, total(object, "drops", reason)});
  }
  return drops;
}

std::vector<bus::DropCount> read_events(const Object& object) {
  std::vector<bus::DropCount> events;
  for (std::uint32_t event = 0; event < layout::EVENT_COUNT; ++event) {
    const auto& text = event_texts[event];
    events.push_back({text.name, text.explanation, total(object, "events", event), false});
  }
  return events;
}

}  // namespace ballast::forwardd::xdp
