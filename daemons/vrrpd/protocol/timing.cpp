#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd {

net::IpAddress multicast_group(net::Family family) {
  static constexpr std::array<std::uint8_t, 4> v4{224, 0, 0, 18};
  static constexpr std::array<std::uint8_t, 16> v6{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12};
  return family == net::Family::ipv4 ? net::IpAddress::v4(v4) : net::IpAddress::v6(v6);
}

Duration skew_time(unsigned version, std::uint8_t priority, Duration interval) {
  const Duration unit = version == 2 ? Duration{std::chrono::seconds{1}} : interval;
  return unit * (256 - priority) / 256;
}

Duration master_down_interval(unsigned version, std::uint8_t priority, Duration interval, unsigned adverts) {
  return adverts * interval + skew_time(version, priority, interval);
}

std::string describe(Duration span) {
  const double seconds = std::chrono::duration<double>(span).count();
  return seconds >= 1 ? fmt::format("{:.2f} s", seconds) : fmt::format("{:.1f} ms", seconds * 1000);
}

}  // namespace ballast::vrrpd
