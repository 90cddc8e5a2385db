#pragma once
// The promises, kept by an account of its own: what each router heard, said and became, and whether it may.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd::sim {

class Machine;
class World;

class Judge {
 public:
  explicit Judge(World& world) : world_{world} {}
  void begin();

  /// An advertisement is about to be handed to an instance.
  void heard(const Machine& machine, unsigned instance, const Received& received);
  void heard(const Machine& machine, unsigned instance, const HeartbeatHeard& beat);
  void acted(const Machine& machine, unsigned instance, const Action& action);
  /// An event and all that followed from it on this machine are done with.
  void handled(const Machine& machine);
  /// The process is gone, however it ended.
  void died(const Machine& machine);
  /// The machine did not run for a while, or its clock jumped: so long by its clock.
  void stood_still(const Machine& machine, Duration length);
  void trouble_ended();
  /// From now on nothing may change any more.
  void watch();
  void finish();

  void fail(std::string what);
  void fail(const Machine& machine, unsigned instance, const std::string& what);
  [[nodiscard]] const std::optional<std::string>& verdict() const { return verdict_; }

 private:
  /// Of one instance on one machine; its times are of the machine's own clock.
  struct Account {
    /// A master on the heartbeat link.
    struct Beat {
      unsigned priority = 0;
      TimePoint last;
      Duration patience{};
    };
    Role role = Role::init;
    TimePoint sign;                         ///< the last one of a master it has to bear with
    Duration least_wait{};                  ///< the shortest that it may wait after that
    std::optional<Duration> interval;       ///< version 3: as the master advertises it
    std::optional<TimePoint> left_until;    ///< after priority 0: it must take over then
    std::optional<TimePoint> may_from;      ///< after priority 0 on the heartbeat link: it may
    std::optional<net::IpAddress> follows;  ///< the master last heard
    std::optional<TimePoint> lower_since;   ///< a master to be preempted was heard first
    std::uint64_t stepped_down = 0;         ///< World::troubles() when it ceased to be MASTER
    std::optional<TimePoint> stood_until;   ///< the machine stood still until then, and has not spoken since
    Duration listen{};                      ///< the skew time then
    bool lapsed = false;                    ///< the machine stood still and has not spoken since
    unsigned followed_priority = 0;         ///< its priority
    std::map<net::IpAddress, Beat> beats;   ///< by source
    TimePoint rival_heard;                  ///< in the world's time
    TimePoint announced;
    std::uint64_t sent_in_watch = 0;
    // Of the event at hand
    std::optional<Received> received;
    std::optional<HeartbeatHeard> beat;
    bool beat_wins = false;
    Role before = Role::init;
    bool wins = false, loses = false;
    unsigned sent = 0;
    bool became_master = false, burst = false, yielded = false;
  };
  /// Of one VRID: what a client of its segment knows.
  struct Segment {
    std::optional<unsigned> arp;  ///< the machine that announced last
    bool excused = false;         ///< nobody can know that it is wrong
    std::uint64_t changes = 0;    ///< of role, of any machine
  };

  void left_on_heartbeat(const Machine& machine, unsigned instance);
  void bear_with(const Instance& core, Account& account, TimePoint now);
  Account& at(const Machine& machine, unsigned instance);
  void count(const Machine& machine, unsigned instance, const SendAdvertisement& action);
  void check_voice(const Machine& machine, unsigned instance);
  [[nodiscard]] static unsigned priority_of(const Machine& machine, unsigned instance);
  void changed(const Machine& machine, unsigned instance, const Become& change);
  void released(const Machine& machine, unsigned instance);
  void announced(const Machine& machine, unsigned instance, const AnnounceAddresses& action);
  void check_takeover(const Machine& machine, unsigned instance, const Become& change);
  void check_yield(const Machine& machine, unsigned instance);
  void check_event(const Machine& machine, unsigned instance);
  void check_group(const Machine& machine);
  void expect_one_master(unsigned instance);
  void expect_takeover(const Machine& machine, unsigned instance);
  void check_end(unsigned instance);
  [[nodiscard]] Duration wait_of(const Instance& core, Duration interval) const;
  [[nodiscard]] Duration skew_of(const Instance& core, Duration interval) const;
  [[nodiscard]] Duration interval_of(const Instance& core, const Account& account) const;
  [[nodiscard]] bool same_intervals(unsigned instance) const;
  [[nodiscard]] bool is_calm(unsigned instance) const;
  [[nodiscard]] bool goes_on(const Machine& machine, unsigned instance) const;
  [[nodiscard]] std::vector<const Machine*> masters(unsigned instance) const;
  [[nodiscard]] bool is_eligible(const Machine& machine, unsigned instance) const;
  [[nodiscard]] bool may_preempt(const Machine& challenger, const Machine& master, unsigned instance) const;
  [[nodiscard]] unsigned segment_of(unsigned instance) const;

  World& world_;
  std::vector<std::vector<Account>> accounts_;
  std::vector<Segment> segments_;
  bool watching_ = false;
  TimePoint watching_since_;
  std::optional<std::string> verdict_;
};

}  // namespace ballast::vrrpd::sim
