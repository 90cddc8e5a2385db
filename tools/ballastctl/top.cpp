#include "tools/ballastctl/top.hpp"

#include <algorithm>
#include <array>

#include "tools/ballastctl/table.hpp"

namespace ballast::ctl {
namespace {

const bus::ServiceServer* find(const Sample& sample, const std::string& service, const bus::ServiceServer& wanted) {
  for (const auto& each : sample.services) {
    if (each.name != service) continue;
    const auto found = std::ranges::find_if(each.servers, [&](const auto& server) {
      return server.address == wanted.address && server.port == wanted.port && server.method == wanted.method;
    });
    if (found != each.servers.end()) return &*found;
  }
  return nullptr;
}

double per_second(std::uint64_t before, std::uint64_t now, double seconds) {
  return static_cast<double>(now >= before ? now - before : now) / seconds;
}

Rates rates_of(const bus::ServiceServer& before, const bus::ServiceServer& now, double seconds) {
  const auto address = net::IpAddress::parse(now.address);
  return {.name = address ? net::Endpoint{*address, now.port}.to_string() : now.address,
          .packets_in = per_second(before.packets_in, now.packets_in, seconds),
          .packets_out = per_second(before.packets_out, now.packets_out, seconds),
          .bits_in = 8 * per_second(before.bytes_in, now.bytes_in, seconds),
          .bits_out = 8 * per_second(before.bytes_out, now.bytes_out, seconds),
          .connections = per_second(before.connections, now.connections, seconds),
          .active = now.active,
          .inactive = now.inactive};
}

void add(Rates& total, const Rates& one) {
  total.packets_in += one.packets_in;
  total.packets_out += one.packets_out;
  total.bits_in += one.bits_in;
  total.bits_out += one.bits_out;
  total.connections += one.connections;
  total.active += one.active;
  total.inactive += one.inactive;
}

std::vector<Cell> row_of(const Rates& rates, const std::string& indent) {
  return {indent + rates.name,          with_unit(rates.packets_in),   with_unit(rates.packets_out),
          with_unit(rates.bits_in),     with_unit(rates.bits_out),     with_unit(rates.connections),
          std::to_string(rates.active), std::to_string(rates.inactive)};
}

}  // namespace

std::string with_unit(double value) {
  constexpr std::array units{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, units[unit]);
}

std::vector<ServiceRates> rates_between(const Sample& before, const Sample& now) {
  const double seconds = std::max(now.time - before.time, 1e-3);
  std::vector<ServiceRates> all;
  for (const auto& service : now.services) {
    ServiceRates rates;
    rates.total.name = service.name;
    for (const auto& server : service.servers) {
      const auto* earlier = find(before, service.name, server);
      rates.servers.push_back(rates_of(earlier != nullptr ? *earlier : bus::ServiceServer{}, server, seconds));
      add(rates.total, rates.servers.back());
    }
    all.push_back(std::move(rates));
  }
  return all;
}

std::string render_rates(const std::vector<ServiceRates>& rates, bool colours) {
  if (rates.empty()) return "no service\n";
  Table table{{{"SERVICE, SERVER"},
               {"PACKETS/S IN", true},
               {"OUT", true},
               {"BITS/S IN", true},
               {"OUT", true},
               {"NEW/S", true},
               {"ACTIVE", true},
               {"INACTIVE", true}},
              0};
  for (const auto& service : rates) {
    table.row(row_of(service.total, ""));
    for (const auto& server : service.servers) table.row(row_of(server, "  "));
  }
  return table.render(colours);
}

}  // namespace ballast::ctl
