#pragma once
// What a seed stands for: a handful of routers with their configurations, and what happens to them.
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "daemons/vrrpd/protocol/timing.hpp"
#include "tests/sim/random.hpp"

namespace ballast::vrrpd::sim {

enum class Trouble : std::uint8_t {
  crash,        ///< kill -9 and a restart after `length`; the addresses stay
  withdrawn,    ///< a crash after which `vrrpd --withdraw` runs before the restart
  stop,         ///< a clean stop, started again after `length`
  stall,        ///< the process does not run for `length`, its clock goes on
  freeze,       ///< a virtual machine is halted: the clock stands, too
  clock_jump,   ///< the clock steps forward by `length`
  loss,         ///< of `percent` of a segment's packets
  slow,         ///< packets of a segment take up to `delay`, and overtake each other
  duplicate,    ///< `percent` of a segment's packets arrive twice
  cut,          ///< what `router` sends on a segment does not reach `other`
  partition,    ///< routers below `other` and the rest do not hear each other on a segment
  link_down,    ///< a router's interface of a segment loses its carrier
  tracked_down  ///< a router's tracked interface does
  ,
  reload  ///< priority, preemption or interval of all of a router's instances
};
constexpr unsigned trouble_count = 14;
std::string_view name_of(Trouble trouble);

struct Disturbance {
  Duration at{};
  Duration length{};
  Trouble what{};
  unsigned router = 0;
  unsigned other = 0;
  unsigned segment = 0;
  unsigned percent = 0;
  Duration delay{};
  bool lasts = false;      ///< a crash or a lost link that does not end
  std::uint64_t dice = 0;  ///< decides what a reload changes
};

struct Plan {
  unsigned routers = 0;
  unsigned instances = 0;
  unsigned segments = 1;
  bool heartbeat = false;                                   ///< all instances beat on one more segment, the last
  bool grouped = false;                                     ///< all instances are one sync group
  Duration interval{};                                      ///< the longest of all advert_int
  Duration delay{};                                         ///< the longest of a packet when nothing is wrong
  std::vector<std::vector<config::VrrpInstance>> settings;  ///< by router, by instance
  std::vector<Disturbance> disturbances;                    ///< by time
  Duration calm_at{};                                       ///< all of them are over
  Duration settled_at{};                                    ///< the bound: from now on nothing changes any more
  Duration end{};

  /// The heartbeats' included.
  [[nodiscard]] unsigned all_segments() const { return segments + (heartbeat ? 1 : 0); }
};

Plan make_plan(std::uint64_t seed);

/// The same router with something else in its configuration.
void change(std::vector<config::VrrpInstance>& settings, Random random);

/// The longest any router waits for a master: down_timer_adverts intervals and the longest skew.
Duration longest_wait(const Plan& plan);

net::IpAddress address_of(unsigned router, unsigned segment, net::Family family);
std::string interface_of(unsigned segment);
constexpr auto tracked_interface = "up0";

}  // namespace ballast::vrrpd::sim
