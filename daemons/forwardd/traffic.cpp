#include "daemons/forwardd/traffic.hpp"

#include <algorithm>
#include <utility>

namespace ballast::forwardd {
namespace {

bool fails(const std::vector<bus::ServerTraffic>& before, const std::vector<bus::ServerTraffic>& now) {
  return std::ranges::any_of(now, [&](const auto& server) {
    const auto earlier = std::ranges::find(before, server.server, &bus::ServerTraffic::server);
    return earlier != before.end() && (server.unanswered > earlier->unanswered || server.refused > earlier->refused);
  });
}

}  // namespace

std::vector<std::string> TrafficReports::apply(const config::Model& model, double now) {
  auto old = std::exchange(services_, {});
  for (const auto& service : model.virtual_servers) {
    if (!service.passive_check || service.protocol != config::Protocol::tcp) continue;
    auto known = old.extract(service.name);
    auto& kept = services_[service.name];
    if (!known.empty()) kept = std::move(known.mapped());
    const double interval = std::chrono::duration<double>{service.passive_check->interval}.count();
    if (kept.interval != interval) kept.due = now + interval;
    kept.interval = interval;
  }
  std::vector<std::string> gone;
  for (const auto& [name, service] : old) {
    if (service.ever_told) gone.push_back(name);
  }
  return gone;
}

std::optional<double> TrafficReports::next() const {
  std::optional<double> earliest;
  for (const auto& [name, service] : services_) earliest = std::min(earliest.value_or(service.due), service.due);
  return earliest;
}

std::vector<std::string> TrafficReports::due(double now) {
  std::vector<std::string> names;
  for (auto& [name, service] : services_) {
    if (service.due > now) continue;
    names.push_back(name);
    service.due = now + service.interval;
  }
  return names;
}

std::vector<bus::ServiceTraffic> TrafficReports::take(const std::string& service,
                                                      std::vector<bus::ServerTraffic> counts) {
  const auto found = services_.find(service);
  if (found == services_.end()) return {};
  auto& known = found->second;
  std::vector<bus::ServiceTraffic> messages;
  const bool tells = known.last && fails(*known.last, counts);
  if (tells) {
    if (!known.last_told) {
      for (auto& server : *known.last) server.clients = 0;  // who failed then is in no later count
      messages.push_back({service, std::move(*known.last)});
    }
    messages.push_back({service, counts});
    known.ever_told = true;
  }
  known.last_told = tells;
  known.last = std::move(counts);
  return messages;
}

}  // namespace ballast::forwardd
