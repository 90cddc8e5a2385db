#pragma once
// What the cost benchmark measures, and whether the packets came out right.
#include <string>
#include <vector>

#include "bench/datapath/feeder.hpp"

namespace ballast::bench {

enum class Kind : std::uint8_t {
  established,  ///< packets of known connections
  fresh,        ///< each packet opens a connection, the half-open table has room
  evicting,     ///< as above, and another half-open one has to give way
  foreign,      ///< for no VIP: left to the kernel
};

struct Case {
  std::string name;
  Kind kind = Kind::established;
  Stream stream;
};

/// DR and NAT, IPv4 and IPv6, established over each number of flows, new, and not ours. Each service once, in this
/// order: DR IPv4, NAT IPv4, DR IPv6, NAT IPv6, and one that is never configured, IPv4 and IPv6.
std::vector<Case> make_cases(const std::vector<Service>& services, const std::vector<std::uint32_t>& flows);

/// The services that make_cases wants; the last two are not for the data path.
std::vector<Service> make_services();

/// Whether the data path did with the case's last packet what it should.
Result<> check_outcome(const Case& measured, const Feeder::Outcome& outcome);

}  // namespace ballast::bench
