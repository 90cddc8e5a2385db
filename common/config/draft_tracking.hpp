#pragma once
// As draft.hpp, of what instances track.
#include <optional>
#include <string>
#include <vector>

#include "common/config/model_tracking.hpp"
#include "common/config/source.hpp"

namespace ballast::config {

/// One line of a track_… block; what it does not say its definition does.
struct TrackDraft {
  TrackKind kind{};
  std::vector<At<std::string>> words;  ///< what is tracked, as written
  std::optional<At<int>> weight;
  std::optional<bool> reverse;
  std::optional<net::IpAddress> via;  ///< of a route
  std::string interface;              ///< of a gateway; empty: the instance's
};

/// A definition, with the weight of those who track it and do not say.
template <class Definition>
struct TrackedDraft {
  At<std::string> name;
  Definition definition{};
  int weight = 0;
  bool reverse = false;
};

struct TrackingDraft {
  std::vector<TrackedDraft<TrackedFile>> files;
  std::vector<TrackedDraft<TrackedProcess>> processes;
};

}  // namespace ballast::config
