#pragma once
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>

#include "common/config/model.hpp"
#include "daemons/vrrpd/shell/file_tracker.hpp"
#include "daemons/vrrpd/shell/path_tracker.hpp"
#include "daemons/vrrpd/shell/process_tracker.hpp"
#include "daemons/vrrpd/shell/track_report.hpp"

namespace ballast::vrrpd {

/// All trackers of a configuration, each once, however many instances depend on it. Files, processes, routes and
/// gateways are looked at here; scripts and services are told from outside, and their last word holds while who tells
/// it is away.
class Trackers {
 public:
  static Result<std::unique_ptr<Trackers>> open(boost::asio::io_context& io, const Host& host, TrackReport changed);

  void apply(const config::Model& model);
  /// Of a script or a service, or what a process before this one knew.
  void tell(const TrackKey& tracker, TrackValue found);
  void links_changed() { paths_->links_changed(); }
  [[nodiscard]] const std::map<TrackKey, TrackValue>& values() const { return values_; }

 private:
  explicit Trackers(TrackReport changed) : changed_{std::move(changed)} {}

  TrackReport changed_;
  std::map<TrackKey, TrackValue> values_;
  std::unique_ptr<FileTracker> files_;
  std::unique_ptr<ProcessTracker> processes_;
  std::unique_ptr<PathTracker> paths_;
  std::vector<config::TrackedFile> written_;  ///< files that init_file has been heeded for
};

/// Whether anybody tracks a virtual server.
bool tracks_services(const config::Model& model);

}  // namespace ballast::vrrpd
