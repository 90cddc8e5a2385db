#include "daemons/forwardd/slow_start.hpp"

#include <algorithm>
#include <cmath>

namespace ballast::forwardd {
namespace {

constexpr double least_share = 0.1;  ///< of its weight, at once
constexpr int least_steps = 10;      ///< from nothing to the whole weight
constexpr double least_wait = 1;     ///< seconds between two changes of a weight

double seconds(config::Duration duration) { return std::chrono::duration<double>{duration}.count(); }

bool shares_by_weight(config::Scheduler scheduler) {
  using enum config::Scheduler;
  switch (scheduler) {
    case rr:
    case lc:
    case sh:
    case dh:
    case fo:
    case ovf:
      return false;
    default:
      return true;
  }
}

/// A server that rises, by its place in the service.
struct Rising {
  std::size_t place;
  double share;  ///< of its weight
};

std::vector<Rising> find_rising(const config::VirtualServer& service, const Memory& memory, double now,
                                const std::vector<DesiredServer>& servers) {
  std::vector<Rising> rising;
  for (std::size_t place = 0; place < service.real_servers.size(); ++place) {
    const auto known = memory.servers.find(servers[place].endpoint);
    if (known == memory.servers.end() || known->second.rising_since == 0 || servers[place].weight == 0) continue;
    const double share = (now - known->second.rising_since) / seconds(service.slow_start);
    if (share < 1) rising.push_back({place, std::max(share, least_share)});
  }
  return rising;
}

int part_of(int weight, double share) { return std::max(1, static_cast<int>(std::floor(weight * share + 1e-9))); }

}  // namespace

void remember(const net::Endpoint& which, bus::ServerStatus status, config::Duration slow_start, double now,
              const Memory& past, Memory& memory) {
  if (slow_start.count() == 0) return;
  const auto before = past.servers.find(which);
  const bool known = before != past.servers.end();
  if (status == bus::ServerStatus::drain && !known) return;
  auto& server = memory.servers[which];
  if (known) server = before->second;
  if (status == bus::ServerStatus::drain) return;
  if (status == bus::ServerStatus::down) {
    server = {};
    return;
  }
  const bool comes_up = known && !server.up;
  if (comes_up) server.rising_since = now;
  if (now - server.rising_since >= seconds(slow_start)) server.rising_since = 0;
  server.up = true;
}

std::optional<double> slow_down(const config::VirtualServer& service, const Memory& memory, double now,
                                std::vector<DesiredServer>& servers, std::vector<bus::ServiceServer>& reports) {
  if (service.slow_start.count() == 0 || !shares_by_weight(service.scheduler)) return std::nullopt;
  const auto rising = find_rising(service, memory, now, servers);
  if (rising.empty()) return std::nullopt;
  int least = least_steps;
  for (const auto& one : rising) least = std::min(least, servers[one.place].weight);
  const int scale = (least_steps + least - 1) / least;
  for (auto& server : servers) server.weight *= scale;
  double wait = seconds(service.slow_start);
  for (const auto& [place, share] : rising) {
    auto& server = servers[place];
    wait = std::min(wait, seconds(service.slow_start) / server.weight);
    server.weight = part_of(server.weight, share);
    reports[place].weight = part_of(reports[place].weight, share);
    reports[place].reason += fmt::format("; slow start: {:.0f} % of its weight", std::floor(share * 100 + 1e-9));
  }
  return now + std::max(wait, least_wait);
}

}  // namespace ballast::forwardd
