#pragma once
// What a packet costs elsewhere, published, and how much of that Ballast may take at most.
#include <optional>

#include "bench/datapath/cases.hpp"

namespace ballast::bench {

/// ns a packet by BPF_PROG_RUN with 60-byte (IPv4) or 78-byte frames (IPv6).
struct Published {
  double best = 0;
  double median = 0;
};

/// The row that a case is held to.
struct Yardstick {
  Published katran;
  double bar = 0;  ///< share of it that is allowed, after scaling
};

/// Of Katran's row of the same kind; none where there is no such row.
std::optional<Yardstick> yardstick_of(const Case& measured);

/// The floor of that table: what tells how this machine compares with the one of the published figures.
constexpr Published published_mac_swap{14, 15};
/// A clock read and a look-up in an array: the same for what helpers cost.
constexpr Published published_clock_and_lookup{29, 31};

}  // namespace ballast::bench
