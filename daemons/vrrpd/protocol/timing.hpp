#pragma once
// Constants and intervals of VRRP: RFC 9568 (version 3) and RFC 3768 (version 2).
#include <chrono>
#include <cstdint>
#include <string>

#include "common/net/ip_address.hpp"
#include "common/runtime/clock.hpp"

namespace ballast::vrrpd {

using runtime::TimePoint;
using Duration = std::chrono::nanoseconds;

constexpr std::uint8_t vrrp_protocol = 112;  ///< IANA protocol number
constexpr std::uint8_t vrrp_ttl = 255;       ///< RFC 9568 section 5.1.1.3: of every advertisement
constexpr std::uint8_t priority_leaving = 0;
constexpr std::uint8_t priority_owner = 255;
constexpr std::uint8_t priority_highest_backup = 254;  ///< RFC 9568 section 5.2.4: of routers that are not the owner

/// 224.0.0.18 or ff02::12.
net::IpAddress multicast_group(net::Family family);

/// RFC 9568 section 6.1: ((256 - priority) x interval) / 256; RFC 3768 section 6.1: (256 - priority) / 256 seconds.
Duration skew_time(unsigned version, std::uint8_t priority, Duration interval);

/// RFC 9568 section 6.1: advertisements that may be missing before a backup takes over.
constexpr unsigned default_down_adverts = 3;

/// Three advertisement intervals (or as many as `down_timer_adverts` says) and the skew time: how long a backup waits
/// for its master.
Duration master_down_interval(unsigned version, std::uint8_t priority, Duration interval,
                              unsigned adverts = default_down_adverts);

/// `3.61 s`, `36.1 ms`: a span of time as log lines have it.
std::string describe(Duration span);

}  // namespace ballast::vrrpd
