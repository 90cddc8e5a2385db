#include "daemons/vrrpd/protocol/tracking.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/enum_names.hpp"

namespace ballast::vrrpd {
namespace {

constexpr std::int64_t file_fault = -254;  ///< keepalived.conf(5), VRRP track files

bool is_file(const config::Track& track) { return track.kind == config::TrackKind::file; }

std::int64_t file_share(const config::Track& track, const TrackValue& found) {
  const auto share = std::int64_t{found.value} * track.weight;
  return std::clamp(track.reverse ? -share : share, file_fault, -file_fault);
}

bool is_fault(const config::Track& track, const TrackValue& found) {
  if (is_file(track))
    return track.weight == 0 ? (found.value != 0) != track.reverse : file_share(track, found) <= file_fault;
  return track.weight == 0 && (found.value == 0) != track.reverse;
}

}  // namespace

const TrackValue* TrackBoard::find(const config::Track& track) const {
  const auto found = values_.find({track.kind, track.name});
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::string> TrackBoard::awaited(const std::vector<config::Track>& tracks) const {
  for (const auto& track : tracks) {
    if (track.weight != 0 || find(track) != nullptr) continue;
    return fmt::format("waits for the first word about {} {}", track.kind, track.name);
  }
  return std::nullopt;
}

std::optional<std::string> TrackBoard::fault(const std::vector<config::Track>& tracks) const {
  for (const auto& track : tracks) {
    const auto* found = find(track);
    if (found != nullptr && is_fault(track, *found)) return found->reason;
  }
  return std::nullopt;
}

int TrackBoard::sum(const std::vector<config::Track>& tracks) const {
  std::int64_t sum = 0;
  for (const auto& track : tracks) {
    const auto* found = find(track);
    if (found == nullptr || track.weight == 0) continue;
    if (is_file(track)) {
      sum += file_share(track, *found);
    } else if ((track.weight > 0) == (found->value != 0)) {
      sum += track.reverse ? -track.weight : track.weight;
    }
  }
  constexpr std::int64_t most = 1'000;  // the priority is clamped to far less
  return static_cast<int>(std::clamp(sum, -most, most));
}

}  // namespace ballast::vrrpd
