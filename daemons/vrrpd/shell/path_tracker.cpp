#include "daemons/vrrpd/shell/path_tracker.hpp"

#include <linux/neighbour.h>

#include <algorithm>

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

/// Routes often change many at a time.
constexpr std::chrono::milliseconds gathering{50};

bool is_that(const netlink::RouteEntry& route, const config::TrackedRoute& tracked) {
  if (route.table != RT_TABLE_MAIN || route.type != RTN_UNICAST || route.destination != tracked.destination)
    return false;
  if (!tracked.gateway) return true;
  return std::ranges::any_of(route.hops, [&](const auto& hop) { return hop.gateway == tracked.gateway; });
}

bool answers(const netlink::Neighbour& neighbour) {
  return (neighbour.state & (NUD_FAILED | NUD_INCOMPLETE)) == 0 && neighbour.resolved();
}

}  // namespace

PathTracker::PathTracker(boost::asio::io_context& io, netlink::Socket kernel, const Host& host, TrackReport report)
    : io_{io}, kernel_{std::move(kernel)}, host_{host}, report_{std::move(report)}, soon_{io} {}

Result<std::unique_ptr<PathTracker>> PathTracker::open(boost::asio::io_context& io, const Host& host,
                                                       TrackReport report) {
  auto kernel = netlink::Socket::open();
  if (!kernel) return kernel.error();
  return std::unique_ptr<PathTracker>{new PathTracker{io, std::move(*kernel), host, std::move(report)}};
}

void PathTracker::apply(const std::vector<config::TrackedRoute>& routes,
                        const std::vector<config::TrackedGateway>& gateways) {
  for (const auto& gateway : gateways_) {
    const int link = link_of(gateway);
    if (link == 0 || std::ranges::find(gateways, gateway) != gateways.end()) continue;
    if (const auto done = kernel_.release_neighbour(link, gateway.address); !done)
      log::info("{}", done.error().message);
  }
  routes_ = routes;
  gateways_ = gateways;
  if (routes_.empty() && gateways_.empty()) {
    monitor_.reset();
    return;
  }
  listen();
  look();
}

void PathTracker::links_changed() {
  if (!routes_.empty() || !gateways_.empty()) schedule();
}

void PathTracker::listen() {
  if (monitor_) return;
  netlink::MonitorHandlers handlers;
  handlers.route_entry = [this](const netlink::RouteEntry& entry, bool) {
    const auto concerns = [&](const auto& tracked) { return tracked.destination == entry.destination; };
    if (std::ranges::any_of(routes_, concerns)) schedule();
  };
  handlers.neighbour = [this](const netlink::Neighbour& neighbour, bool removed) {
    neighbour_changed(neighbour, removed);
  };
  handlers.resync = [this] { schedule(); };
  auto opened = netlink::Monitor::open(io_, std::move(handlers));
  if (!opened) return log::error("tracked routes and gateways go unheard: {}", opened.error().message);
  monitor_ = std::move(*opened);
}

void PathTracker::schedule() {
  if (std::exchange(scheduled_, true)) return;
  soon_.expires_after(gathering);
  soon_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    scheduled_ = false;
    look();
  });
}

void PathTracker::look() {
  if (!routes_.empty()) look_at_routes();
  if (!gateways_.empty()) look_at_gateways();
}

void PathTracker::look_at_routes() {
  const auto all = kernel_.routes(RTPROT_UNSPEC);
  if (!all) return log::error("{}", all.error().message);
  for (const auto& tracked : routes_) {
    const bool there = std::ranges::any_of(*all, [&](const auto& route) { return is_that(route, tracked); });
    report_({config::TrackKind::route, tracked.name},
            {there ? 1 : 0, fmt::format("route {} is {}", tracked.name, there ? "there" : "missing")});
  }
}

int PathTracker::link_of(const config::TrackedGateway& gateway) const {
  const auto* link = host_.link(gateway.interface);
  return link == nullptr ? 0 : link->index;
}

void PathTracker::look_at_gateways() {
  const auto known = kernel_.neighbours();
  if (!known) return log::error("{}", known.error().message);
  for (const auto& gateway : gateways_) {
    const int link = link_of(gateway);
    if (link == 0 || !host_.is_up(gateway.interface)) {
      tell(gateway, false, host_.describe(gateway.interface));
      continue;
    }
    if (const auto done = kernel_.manage_neighbour(link, gateway.address); !done) {
      tell(gateway, false, done.error().message);
      continue;
    }
    const auto found = std::ranges::find_if(
        *known, [&](const auto& each) { return each.link == link && each.address == gateway.address; });
    // One that is not known yet is being asked.
    if (found != known->end() && (found->state & NUD_INCOMPLETE) == 0) tell(gateway, answers(*found));
  }
}

void PathTracker::neighbour_changed(const netlink::Neighbour& neighbour, bool removed) {
  for (const auto& gateway : gateways_) {
    if (gateway.address != neighbour.address || link_of(gateway) != neighbour.link) continue;
    if (removed) {
      schedule();  // somebody flushed the table: it is asked for again
    } else if ((neighbour.state & NUD_INCOMPLETE) == 0) {
      tell(gateway, answers(neighbour));
    }
  }
}

void PathTracker::tell(const config::TrackedGateway& gateway, bool up, const std::string& why) {
  const auto found = up ? "answers" : why.empty() ? "does not answer" : "cannot be asked: " + why;
  report_({config::TrackKind::gateway, gateway.name}, {up ? 1 : 0, fmt::format("gateway {} {}", gateway.name, found)});
}

}  // namespace ballast::vrrpd
