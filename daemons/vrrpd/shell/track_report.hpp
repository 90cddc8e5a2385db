#pragma once
#include <functional>

#include "common/result.hpp"
#include "daemons/vrrpd/protocol/tracking.hpp"

namespace ballast::vrrpd {

/// Where a tracker tells what it found; the same twice is no harm.
using TrackReport = std::function<void(const TrackKey&, TrackValue)>;

}  // namespace ballast::vrrpd
