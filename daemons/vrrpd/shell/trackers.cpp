#include "daemons/vrrpd/shell/trackers.hpp"

#include <algorithm>

namespace ballast::vrrpd {
namespace {

template <class Predicate>
bool any_track(const config::Model& model, Predicate predicate) {
  const auto has = [&](const auto& owner) { return std::ranges::any_of(owner.tracks, predicate); };
  return std::ranges::any_of(model.vrrp_instances, has) || std::ranges::any_of(model.vrrp_sync_groups, has);
}

bool is_of(const config::Model& model, const TrackKey& tracker) {
  return any_track(
      model, [&](const config::Track& track) { return track.kind == tracker.first && track.name == tracker.second; });
}

/// Those that somebody tracks.
template <class Definition>
std::vector<Definition> used(const config::Model& model, config::TrackKind kind, const std::vector<Definition>& all) {
  std::vector<Definition> some;
  std::ranges::copy_if(all, std::back_inserter(some), [&](const auto& each) {
    return is_of(model, {kind, each.name});
  });
  return some;
}

}  // namespace

bool tracks_services(const config::Model& model) {
  return any_track(model, [](const config::Track& track) { return track.kind == config::TrackKind::service; });
}

Result<std::unique_ptr<Trackers>> Trackers::open(boost::asio::io_context& io, const Host& host, TrackReport changed) {
  std::unique_ptr<Trackers> made{new Trackers{std::move(changed)}};
  const auto report = [trackers = made.get()](const TrackKey& tracker, TrackValue found) {
    trackers->tell(tracker, std::move(found));
  };
  made->files_ = std::make_unique<FileTracker>(io, report);
  made->processes_ = std::make_unique<ProcessTracker>(io, report);
  auto paths = PathTracker::open(io, host, report);
  if (!paths) return paths.error();
  made->paths_ = std::move(*paths);
  return made;
}

void Trackers::apply(const config::Model& model) {
  using enum config::TrackKind;
  const auto& tracking = model.tracking;
  const auto files = used(model, file, tracking.files);
  const bool fresh = files != written_;
  written_ = files;
  files_->apply(files, fresh);
  processes_->apply(used(model, process, tracking.processes));
  paths_->apply(used(model, route, tracking.routes), used(model, gateway, tracking.gateways));
  // What others tell is kept: it may be tracked again.
  std::erase_if(values_, [&](const auto& each) {
    return each.first.first != script && each.first.first != service && !is_of(model, each.first);
  });
}

void Trackers::tell(const TrackKey& tracker, TrackValue found) {
  auto [known, fresh] = values_.try_emplace(tracker, found);
  if (!fresh && known->second == found) return;
  const bool same = !fresh && known->second.value == found.value;
  known->second = std::move(found);
  if (!same) changed_(tracker, known->second);
}

}  // namespace ballast::vrrpd
