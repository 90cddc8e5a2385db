#pragma once
// Who advertises on the heartbeat links of an instance (`heartbeat_interface`), and since when.
#include <cstdint>
#include <string>
#include <vector>

#include "common/net/ip_address.hpp"
#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd {

/// One master as it is heard on one link.
struct Pulse {
  std::string interface;
  net::IpAddress source;  ///< its address on that link
  std::uint8_t priority = 0;
  TimePoint first;  ///< of those without a longer silence between them
  TimePoint last;
  Duration patience{};  ///< a longer silence, and it is gone
  bool told = false;    ///< to a person, as a second master
};

/// The masters of one instance on its heartbeat links; those that fell silent are none any more.
class Heartbeats {
 public:
  /// At most so many are remembered; whoever comes when all of them live is not.
  static constexpr std::size_t most = 16;

  /// Null when there are too many.
  Pulse* heard(Pulse pulse, TimePoint now);
  /// It leaves; its priority until then, 0 when it was not known.
  std::uint8_t left(const std::string& interface, const net::IpAddress& source, TimePoint now);
  /// The one heard last; null when nobody lives.
  [[nodiscard]] const Pulse* alive(TimePoint now) const;
  void clear() { pulses_.clear(); }

 private:
  void forget_silent(TimePoint now);

  std::vector<Pulse> pulses_;
};

}  // namespace ballast::vrrpd
