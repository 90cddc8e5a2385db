#include <fmt/ranges.h>

#include "tools/ballastctl/changes.hpp"
#include "tools/ballastctl/status.hpp"
#include "tools/ballastctl/table.hpp"

namespace ballast::ctl {
namespace {

Colour colour_of(bus::VrrpRole role) {
  switch (role) {
    case bus::VrrpRole::master:
      return Colour::good;
    case bus::VrrpRole::backup:
      return Colour::plain;
    case bus::VrrpRole::fault:
      return Colour::bad;
    case bus::VrrpRole::init:
      return Colour::warn;
  }
  return Colour::plain;
}

Colour colour_of(bus::ServerStatus state) {
  switch (state) {
    case bus::ServerStatus::up:
      return Colour::good;
    case bus::ServerStatus::down:
      return Colour::bad;
    case bus::ServerStatus::drain:
      return Colour::warn;
  }
  return Colour::plain;
}

// What a daemon's absence means for the traffic.
std::string without(const std::string& role) {
  if (role == "vrrpd") return "not running, addresses stay as they are until it returns or is withdrawn";
  if (role == "scriptd") return "not running, scripts keep the state last known and programs are told of no role";
  if (role == "checkd") return "not running, servers keep the health last known";
  if (role == "forwardd") return "not running, packets keep flowing";
  return "not running";
}

std::string node_lines(const Status& status, double now, bool colours) {
  std::string line = status.name;
  if (!status.version.empty()) line += fmt::format(", Ballast {}", status.version);
  if (status.since > 0) line += fmt::format(", up {}", age(now - status.since));
  std::vector<std::string> running;
  std::string missing;
  for (const auto& daemon : status.daemons) {
    if (daemon.running)
      running.push_back(daemon.role);
    else
      missing += "  " + paint(daemon.role + ": " + without(daemon.role), Colour::warn, colours) + "\n";
  }
  return fmt::format("{}\n  running: {}\n{}", line, fmt::join(running, ", "), missing);
}

std::string vrrp_table(const std::vector<bus::VrrpState>& instances, double now, bool colours) {
  Table table{{{"VRRP"}, {"STATE"}, {"INTERFACE"}, {"VRID", true}, {"PRIORITY", true}, {"MASTER"}, {"FOR"}, {"REASON"}},
              2};
  for (const auto& instance : instances) {
    const auto priority = instance.priority == instance.configured_priority
                              ? fmt::format("{}", instance.priority)
                              : fmt::format("{} of {}", instance.priority, instance.configured_priority);
    table.row({instance.name,
               {std::string{name_of(instance.state)}, colour_of(instance.state)},
               instance.interface,
               fmt::format("{}", instance.vrid),
               priority,
               instance.master.empty() ? "unknown" : instance.master,
               age(now - instance.since),
               instance.reason});
    if (!instance.virtual_addresses.empty()) {
      table.note({fmt::format("{}", fmt::join(instance.virtual_addresses, ", ")), Colour::dim}, 4);
    }
  }
  return table.render(colours);
}

std::string service_line(const bus::ServiceState& service, bool colours) {
  auto line = fmt::format("{}  {}  {} {} {}", service.name,
                          paint(std::string{name_of(service.state)}, colour_of(service.state), colours), service.engine,
                          service.method, service.scheduler);
  if (service.sorry) line += ", the sorry server answers";
  if (!service.forwarding) line += ", not forwarding here";
  if (!service.reason.empty()) line += " (" + service.reason + ")";
  return line;
}

using config::AmendKind;

std::string marked(const bus::Change& change, const std::string& words, double now) {
  return fmt::format("{} {}", words, whose(change.by, change.since, change.until, now));
}

void server_row(Table& table, const Status& status, const bus::ServiceState& service, const bus::ServiceServer& server,
                double now) {
  const auto address = net::IpAddress::parse(server.address);
  const auto name = address ? net::Endpoint{*address, server.port}.to_string() : server.address;
  auto weight = fmt::format("{}", server.weight);
  auto reason = server.reason;
  const auto append = [&](const std::string& more) { reason += (reason.empty() ? "" : "; ") + more; };
  if (const auto* added = find_change(status.changes, AmendKind::add_server, service.name, name))
    append(marked(*added, "+ added", now));
  if (const auto* weighed = find_change(status.changes, AmendKind::server_weight, service.name, name)) {
    if (weighed->weight_before) weight += fmt::format(" (file: {})", *weighed->weight_before);
    append(marked(*weighed, "weight", now));
  }
  table.row({name,
             {std::string{name_of(server.state)}, colour_of(server.state)},
             std::string{name_of(server.method)},
             weight,
             fmt::format("{}", server.active),
             fmt::format("{}", server.inactive),
             reason});
}

std::string service_table(const Status& status, double now, bool colours) {
  Table table{{{"SERVER"}, {"STATE"}, {"METHOD"}, {"WEIGHT", true}, {"ACTIVE", true}, {"INACTIVE", true}, {"REASON"}},
              4};
  for (const auto& service : status.services) {
    auto line = service_line(service, colours);
    if (const auto* added = find_change(status.changes, AmendKind::add_service, service.name))
      line += ", " + marked(*added, "+ added", now);
    table.note(line, 2);
    for (const auto& server : service.servers) server_row(table, status, service, server, now);
    for (const auto& change : status.changes) {
      const auto& about = change.amendment;
      if (about.kind == AmendKind::remove_server && about.service == service.name)
        table.note({marked(change, fmt::format("- {} removed", about.server), now), Colour::warn}, 4);
    }
  }
  for (const auto& change : status.changes) {
    if (change.amendment.kind == AmendKind::remove_service)
      table.note({marked(change, fmt::format("- {} removed", change.amendment.service), now), Colour::warn}, 2);
  }
  return table.render(colours);
}

}  // namespace

std::string render(const Status& status, double now, bool colours) {
  auto text = node_lines(status, now, colours);
  text += '\n' + (status.vrrp.empty() ? "  no VRRP instance\n" : vrrp_table(status.vrrp, now, colours));
  text += '\n' + (status.services.empty() && status.changes.empty() ? "  no virtual server\n"
                                                                    : service_table(status, now, colours));
  return text;
}

}  // namespace ballast::ctl
