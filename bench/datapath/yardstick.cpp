// Measured with Katran's own IPIP build, harness overhead taken off.
#include "bench/datapath/yardstick.hpp"

#include <array>

namespace ballast::bench {
namespace {

struct Row {
  Kind kind;
  bool is_gue;
  std::uint32_t flows;
  Published ipv4, ipv6;
};

constexpr std::uint32_t ki = 1024;

// Where only the best was published, it stands for the median, too.
constexpr std::array katran{
    Row{Kind::established, false, 1, {101, 104}, {98, 104}},
    Row{Kind::established, false, ki, {163, 174}, {156, 156}},
    Row{Kind::established, false, 64 * ki, {478, 518}, {451, 471}},
    Row{Kind::established, false, 512 * ki, {439, 459}, {407, 439}},
    Row{Kind::fresh, false, 0, {229, 261}, {239, 267}},
    Row{Kind::evicting, false, 0, {964, 1043}, {913, 1019}},
    Row{Kind::established, true, 1, {208, 226}, {202, 248}},
    Row{Kind::foreign, false, 0, {50, 60}, {51, 61}},
};

double bar_of(const Case& measured) {
  constexpr double more_for_ipv6 = 0.2;
  constexpr double for_no_vip = 0.5;
  const double more = measured.stream.service->vip.address.is_v4() ? 0 : more_for_ipv6;
  if (measured.kind == Kind::foreign) return for_no_vip + more;
  switch (measured.stream.service->mode) {
    case Mode::dr:
      return 0.5 + more;
    case Mode::nat:
      return 0.8 + more;
    case Mode::fnat:
      return 1.0 + more;
    default:
      return (measured.kind == Kind::evicting ? 0.5 : 0.6) + more;
  }
}

}  // namespace

std::optional<Yardstick> yardstick_of(const Case& measured) {
  const auto& service = *measured.stream.service;
  const bool is_gue = measured.kind != Kind::foreign && service.mode == Mode::gue;
  for (const auto& row : katran) {
    const bool is_same = row.kind == measured.kind && row.is_gue == is_gue;
    if (!is_same || (row.kind == Kind::established && row.flows != measured.stream.flows)) continue;
    return Yardstick{service.vip.address.is_v4() ? row.ipv4 : row.ipv6, bar_of(measured)};
  }
  return std::nullopt;
}

}  // namespace ballast::bench
