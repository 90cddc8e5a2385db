#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "common/config/model_tracking.hpp"
#include "common/netlink/monitor.hpp"
#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/shell/host.hpp"
#include "daemons/vrrpd/shell/track_report.hpp"

namespace ballast::vrrpd {

/// Follows tracked routes in the kernel's main table, and gateways as its neighbours: the kernel is asked to keep them
/// resolved, and tells when one answers no more (within about ten seconds).
class PathTracker {
 public:
  static Result<std::unique_ptr<PathTracker>> open(boost::asio::io_context& io, const Host& host, TrackReport report);

  void apply(const std::vector<config::TrackedRoute>& routes, const std::vector<config::TrackedGateway>& gateways);
  /// A link came, went or changed.
  void links_changed();

 private:
  PathTracker(boost::asio::io_context& io, netlink::Socket kernel, const Host& host, TrackReport report);
  void listen();
  void schedule();
  void look();
  void look_at_routes();
  void look_at_gateways();
  void neighbour_changed(const netlink::Neighbour& neighbour, bool removed);
  [[nodiscard]] int link_of(const config::TrackedGateway& gateway) const;
  void tell(const config::TrackedGateway& gateway, bool up, const std::string& why = {});

  boost::asio::io_context& io_;
  netlink::Socket kernel_;
  const Host& host_;
  TrackReport report_;
  boost::asio::steady_timer soon_;
  bool scheduled_ = false;
  std::unique_ptr<netlink::Monitor> monitor_;  ///< while there is something to follow
  std::vector<config::TrackedRoute> routes_;
  std::vector<config::TrackedGateway> gateways_;
};

}  // namespace ballast::vrrpd
