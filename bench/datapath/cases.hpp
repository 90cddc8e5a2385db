#pragma once
// What the cost benchmark measures, and whether the packets came out right.
#include <deque>
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

/// What the cases are about.
struct Subject {
  Service service;
  bool is_configured = true;           ///< else the VIP is unknown to the data path
  bool is_extra = false;               ///< of established connections only, not of every number of flows
  bool tells = false;                  ///< FNAT: servers do not know their clients yet, each packet has TOA
  std::vector<feed_answer> answers{};  ///< FNAT: filled when the connections are made
  [[nodiscard]] std::string name() const;
};

/// Each mode in IPv4 and IPv6, and a VIP of no service. Addresses of elements stay.
std::deque<Subject> make_subjects();

struct Case {
  const Subject* subject = nullptr;
  Kind kind = Kind::established;
  Stream stream;
  [[nodiscard]] std::string name() const;
  /// Whether packets come out longer than they went in.
  [[nodiscard]] bool grows() const;
};

/// Each subject established over each number of flows, new, and not ours.
std::vector<Case> make_cases(const std::deque<Subject>& subjects, const std::vector<std::uint32_t>& flows);

/// Whether the data path did with the case's last packet what it should.
Result<> check_outcome(const Case& measured, const Feeder::Outcome& outcome);

}  // namespace ballast::bench
