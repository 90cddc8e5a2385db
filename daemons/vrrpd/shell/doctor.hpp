#pragma once
#include <boost/asio/awaitable.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemons/vrrpd/protocol/observation.hpp"

namespace ballast::vrrpd {

class Speaker;

/// "Who has this address?", to be asked of an interface.
struct Question {
  net::IpAddress address;
  std::string interface;
  net::MacAddress mac;    ///< the interface's
  net::IpAddress source;  ///< IPv6: its link-local address
};

/// An instance as the speaker knows it at one moment.
struct Patient {
  config::VrrpInstance settings;
  Observation seen;        ///< all that needs no listening
  std::uint64_t sent = 0;  ///< since it began
  std::uint64_t failed = 0;
  double since = 0;  ///< its role
  std::vector<Question> questions;
};

/// Everything that can be told at one moment.
struct Consultation {
  std::vector<Patient> patients;
  HostObservation host;
  std::map<net::MacAddress, std::string> own_macs;  ///< and their interfaces, virtual MACs left out
};

/// Reads what netlink does not tell of the links: of one instance at a time, for it takes a while.
void look_at_settings(Observation& seen);

/// Examines the speaker and what is around it.
class Doctor {
 public:
  explicit Doctor(const Speaker& speaker) : speaker_{speaker} {}

  /// Listens for a few advertisement intervals, asks who has the addresses, and says what is wrong: a bus::Diagnosis,
  /// with what was seen in `observed` and `host`. Error: too many ask at once.
  boost::asio::awaitable<Result<nlohmann::json>> examine();

 private:
  const Speaker& speaker_;
  unsigned running_ = 0;
};

}  // namespace ballast::vrrpd
