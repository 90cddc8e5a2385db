#pragma once
// `ballastctl top`: rates from two looks at the services' counters. Pure.
#include <string>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::ctl {

/// The services' counters at a moment (unix time).
struct Sample {
  double time = 0;
  std::vector<bus::ServiceState> services;
};

struct Rates {
  std::string name;                        ///< of the service, or the server's endpoint
  double packets_in = 0, packets_out = 0;  ///< a second
  double bits_in = 0, bits_out = 0;        ///< a second, of IP packets
  double connections = 0;                  ///< new ones a second
  std::uint64_t active = 0, inactive = 0;  ///< now
};
struct ServiceRates {
  Rates total;
  std::vector<Rates> servers;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Rates, name, packets_in, packets_out, bits_in, bits_out, connections, active,
                                   inactive)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServiceRates, total, servers)

/// What came to pass between two looks. A server that was not there before, or whose counters began anew, counts from
/// 0.
std::vector<ServiceRates> rates_between(const Sample& before, const Sample& now);

std::string render_rates(const std::vector<ServiceRates>& rates, bool colours);

/// 1234567 -> `1.23 M`
std::string with_unit(double value);

}  // namespace ballast::ctl
