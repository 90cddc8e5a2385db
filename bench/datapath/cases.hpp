#pragma once
// What the cost benchmark measures, and whether the packets came out right.
#include <string>
#include <vector>

#include "bench/datapath/feeder.hpp"

namespace ballast::bench {

enum class Kind : std::uint8_t {
  established,  ///< packets of known connections
  fresh,        ///< each packet opens a connection, the table has room
  evicting,     ///< as above, the table is full, another half-open one has to give way
  foreign,      ///< for no VIP: left to the kernel
};

struct Case {
  std::string name;
  Kind kind = Kind::established;
  Stream stream;
};

/// Each service established over each number of flows, new, and not ours: the last two services are never configured.
std::vector<Case> make_cases(const std::vector<Service>& services, const std::vector<std::uint32_t>& flows);

/// The services that make_cases wants; the last two are not for the data path.
std::vector<Service> make_services();

/// Whether the data path did with the case's last packet what it should.
Result<> check_outcome(const Case& measured, const Feeder::Outcome& outcome);

}  // namespace ballast::bench
