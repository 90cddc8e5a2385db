#include "daemons/vrrpd/protocol/heartbeat.hpp"

#include <algorithm>
#include <utility>

namespace ballast::vrrpd {

Pulse* Heartbeats::heard(Pulse pulse, TimePoint now) {
  forget_silent(now);
  const auto known = std::ranges::find_if(
      pulses_, [&](const Pulse& other) { return other.interface == pulse.interface && other.source == pulse.source; });
  if (known == pulses_.end()) {
    if (pulses_.size() == most) return nullptr;
    pulse.first = pulse.last = now;
    return &pulses_.emplace_back(std::move(pulse));
  }
  known->priority = pulse.priority;
  known->patience = pulse.patience;
  known->last = now;
  return &*known;
}

std::uint8_t Heartbeats::left(const std::string& interface, const net::IpAddress& source, TimePoint now) {
  forget_silent(now);
  const auto known = std::ranges::find_if(
      pulses_, [&](const Pulse& other) { return other.interface == interface && other.source == source; });
  if (known == pulses_.end()) return 0;
  const auto priority = known->priority;
  pulses_.erase(known);
  return priority;
}

const Pulse* Heartbeats::alive(TimePoint now) const {
  const Pulse* latest = nullptr;
  for (const auto& pulse : pulses_) {
    if (now >= pulse.last + pulse.patience) continue;
    if (latest == nullptr || pulse.last > latest->last) latest = &pulse;
  }
  return latest;
}

void Heartbeats::forget_silent(TimePoint now) {
  std::erase_if(pulses_, [now](const Pulse& pulse) { return now >= pulse.last + pulse.patience; });
}

}  // namespace ballast::vrrpd
