#include "tools/ballastctl/lists.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <set>

#include "tools/ballastctl/changes.hpp"
#include "tools/ballastctl/table.hpp"

namespace ballast::ctl {
namespace {

const bus::ServerWord* admin_of(const std::vector<bus::ServerWord>& admins, const bus::ServerHealth& health) {
  const auto found = std::ranges::find_if(
      admins, [&](const auto& admin) { return admin.service == health.service && admin.server == health.server; });
  return found == admins.end() ? nullptr : &*found;
}

std::string local_time(double unix_time) {
  const auto seconds = static_cast<std::time_t>(std::floor(unix_time));
  std::tm local{};
  localtime_r(&seconds, &local);
  const auto millis = static_cast<int>((unix_time - std::floor(unix_time)) * 1e3);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec, millis);
}

bool is_meant(const std::string& server, const std::string& typed) {
  if (server == typed) return true;
  const auto endpoint = net::Endpoint::parse(server);
  const auto address = net::IpAddress::parse(typed);
  return endpoint && address && endpoint->address == *address;
}

}  // namespace

std::string render_health(const std::vector<bus::ServerHealth>& healths, const std::vector<bus::ServerWord>& admins,
                          double now, bool colours) {
  if (healths.empty()) return "no real server\n";
  Table table{{{"SERVER"}, {"HEALTH"}, {"FOR"}, {"PROBE TOOK", true}, {"REASON"}}, 2};
  std::string service;
  for (const auto& health : healths) {
    if (health.service != service) table.note(service = health.service, 1);
    const auto took = health.took_ms > 0 ? fmt::format("{:.1f} ms", health.took_ms) : std::string{"-"};
    auto reason = health.reason;
    if (const auto* admin = admin_of(admins, health)) {
      const auto* word = admin->state == bus::AdminState::drain ? "drained" : "disabled";
      reason += fmt::format("; {} {}", word, whose(admin->by, admin->since, admin->until, now));
    }
    table.row({health.server, health.up ? Cell{"up", Colour::good} : Cell{"down", Colour::bad}, age(now - health.since),
               took, reason});
  }
  return table.render(colours);
}

nlohmann::json health_json(const std::vector<bus::ServerHealth>& healths, const std::vector<bus::ServerWord>& admins) {
  auto json = nlohmann::json::array();
  for (const auto& health : healths) {
    json.push_back(health);
    if (const auto* admin = admin_of(admins, health)) json.back()["admin"] = *admin;
  }
  return json;
}

std::string render_connections(const std::vector<bus::Connection>& connections, bool colours) {
  if (connections.empty()) return "no connection\n";
  Table table{{{"PROTO"}, {"CLIENT"}, {"VIRTUAL"}, {"SERVER"}, {"METHOD"}, {"STATE"}, {"EXPIRES", true}}, 0};
  for (const auto& connection : connections) {
    table.row({connection.protocol, connection.client, connection.virtual_address, connection.server, connection.method,
               connection.state, age(connection.expires)});
  }
  return table.render(colours);
}

std::string render_drops(const std::vector<bus::DropCount>& drops, bool colours) {
  if (drops.empty()) return "no packet dropped\n";
  Table dropped{{{"DROPPED"}, {"PACKETS", true}, {"WHAT IT MEANS"}}, 0};
  Table others{{{"NOT DROPPED"}, {"PACKETS", true}, {"WHAT IT MEANS"}}, 0};
  bool has_others = false;
  for (const auto& drop : drops) {
    const auto colour = drop.dropped && drop.packets > 0 ? Colour::warn : Colour::plain;
    (drop.dropped ? dropped : others).row({drop.reason, {fmt::format("{}", drop.packets), colour}, drop.explanation});
    has_others |= !drop.dropped;
  }
  return dropped.render(colours) + (has_others ? "\n" + others.render(colours) : "");
}

std::string render_trace(const std::vector<bus::TraceStep>& steps, bool colours) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    const auto colour = step.step == "dropped" ? Colour::bad : step.step == "verdict" ? Colour::good : Colour::plain;
    text += fmt::format("{:>2}. {}\n", i + 1, paint(step.text, colour, colours));
  }
  return text;
}

Result<std::uint8_t> parse_tcp_flags(std::string_view letters) {
  constexpr std::array<std::pair<char, unsigned>, 4> known{{{'F', 1}, {'S', 2}, {'R', 4}, {'A', 16}}};
  unsigned flags = 0;
  for (const char letter : letters) {
    const auto found = std::ranges::find(known, static_cast<char>(letter & ~0x20), &std::pair<char, unsigned>::first);
    if (found == known.end()) return fail("'{}' is none of the TCP flags S, A, F, R", letter);
    flags |= found->second;
  }
  return static_cast<std::uint8_t>(flags);
}

std::string render_event(const bus::Event& event, bool colours) {
  auto colour = Colour::plain;
  if (event.severity == "warning") colour = Colour::warn;
  if (event.severity == "error") colour = Colour::bad;
  return fmt::format("{}  {:<8}  {}\n", local_time(event.time), event.daemon, paint(event.message, colour, colours));
}

Result<std::vector<ServerName>> match_servers(const std::vector<bus::ServerHealth>& known, const std::string& service,
                                              const std::string& server) {
  std::vector<ServerName> matches;
  std::set<std::string> services;
  std::set<std::string> servers;
  for (const auto& health : known) {
    services.insert(health.service);
    if (!service.empty() && health.service != service) continue;
    servers.insert(health.server);
    if (is_meant(health.server, server)) matches.push_back({health.service, health.server});
  }
  if (!matches.empty()) return matches;
  if (!service.empty() && !services.contains(service)) {
    return fail("no service '{}'; there are {}", service, fmt::join(services, ", "));
  }
  return fail("no server '{}'{}; there are {}", server, service.empty() ? "" : " in " + service,
              fmt::join(servers, ", "));
}

}  // namespace ballast::ctl
