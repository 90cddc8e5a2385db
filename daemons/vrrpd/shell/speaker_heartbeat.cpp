// Speaker: the links of `heartbeat_interface`.
#include <algorithm>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"

namespace ballast::vrrpd {
namespace {

/// The instance as if it lived on that link.
config::VrrpInstance on_link(const config::VrrpInstance& instance, const std::string& interface) {
  auto moved = instance;
  moved.interface = interface;
  moved.source.reset();
  return moved;
}

}  // namespace

void Speaker::use_heartbeats(Router& router) {
  const auto before = std::exchange(router.heartbeats, {});
  for (const auto& heartbeat : before) heartbeat.port->heartbeats[router.config.virtual_router_id] = nullptr;
  for (const auto& interface : router.config.heartbeat_interfaces) {
    auto& port = use_port(interface, router.config);
    port.heartbeats[router.config.virtual_router_id] = &router;
    router.heartbeats.push_back({&port, std::nullopt, {}});
    open_port(port);
  }
  for (const auto& heartbeat : before) release_port(*heartbeat.port);
  tell_heartbeats(router);
}

void Speaker::release_heartbeats(Router& router) {
  for (const auto& heartbeat : std::exchange(router.heartbeats, {})) {
    heartbeat.port->heartbeats[router.config.virtual_router_id] = nullptr;
    release_port(*heartbeat.port);
  }
}

// Without one the instance runs on as it would without the keyword: that is told, and no more.
void Speaker::tell_heartbeats(Router& router) {
  for (auto& [port, source, told] : router.heartbeats) {
    const auto moved = on_link(router.config, port->interface);
    const bool up = host_->is_up(port->interface);
    source = up ? choose_source(moved, *host_) : std::nullopt;
    const auto trouble = source ? std::string{}
                         : up   ? describe_missing_source(moved)
                                : host_->describe(port->interface);
    if (trouble == told) continue;
    const auto text = source ? fmt::format("{}: heartbeats on {} again", router.config.name, port->interface)
                             : fmt::format("{}: no heartbeat on {}: {}", router.config.name, port->interface, trouble);
    log::write(source ? log::Level::notice : log::Level::warning, text);
    outlet_.event({runtime::unix_time(), "vrrpd", "vrrp", router.config.name, text, source ? "notice" : "warning"});
    told = trouble;
  }
}

void Speaker::heartbeat_received(Router& router, const Port& port, const Datagram& datagram) {
  if (is_our_heartbeat(router, port, datagram)) return;
  const auto link = std::ranges::find(router.heartbeats, &port, &HeartbeatPort::port);
  if (link == router.heartbeats.end() || !link->source) return;
  const auto decoded = admit(router, datagram);
  if (!decoded) return;
  dispatch(router,
           HeartbeatHeard{port.interface, decoded->priority, decoded->interval, datagram.source, *link->source});
}

/// What this machine said on another of its links comes in here: two of them are one segment.
bool Speaker::is_our_heartbeat(Router& router, const Port& port, const Datagram& datagram) {
  if (router.heartbeats.empty()) return false;
  const bool from_main = router.port != &port && router.core.source() == datagram.source;
  const auto from = std::ranges::find_if(router.heartbeats, [&](const HeartbeatPort& other) {
    return other.port != &port && other.source == datagram.source;
  });
  if (!from_main && from == router.heartbeats.end()) return false;
  log_refusal(router, router.own_heartbeat_logged,
              fmt::format("{} hears what this router says on {}: a heartbeat_interface wants a network of its own",
                          port.interface, from_main ? router.port->interface : from->port->interface));
  return true;
}

}  // namespace ballast::vrrpd
