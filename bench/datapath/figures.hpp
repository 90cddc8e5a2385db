#pragma once
// What the cost benchmark found: a table for a person, JSON for programs.
#include <string>
#include <vector>

#include "bench/datapath/yardstick.hpp"

namespace ballast::bench {

/// ns a packet over the runs.
struct Spread {
  double best = 0, median = 0, worst = 0;
  static Spread of(std::vector<double> values);
};

struct Figure {
  const Case* measured = nullptr;
  Spread cost;
};

struct Figures {
  unsigned cpu = 0;
  unsigned runs = 0;
  std::uint32_t packets = 0;      ///< in each run
  std::uint32_t connections = 0;  ///< established in each service
  Spread mac_swap;
  Spread clock_and_lookup;
  Spread line;         ///< of the connection table, read at random
  Spread buckets;      ///< both of a connection, read at random
  double feeding = 0;  ///< ns, taken off
  double growing = 0;  ///< ns, taken off where packets grow
  std::vector<Figure> rows;
};

void print(const Figures& figures);
/// One object, a line of text.
std::string to_json(const Figures& figures);

}  // namespace ballast::bench
