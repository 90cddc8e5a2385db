#pragma once
// One simulated machine: a kernel that keeps addresses and links, and a vrrpd process made of the real classes.
#include <memory>
#include <optional>
#include <vector>

#include "daemons/vrrpd/protocol/codec.hpp"
#include "daemons/vrrpd/protocol/conductor.hpp"
#include "tests/sim/plan.hpp"

namespace ballast::vrrpd::sim {

class World;

/// A timer on its way; of a process that has died meanwhile it does nothing.
struct Alarm {
  unsigned machine = 0;
  unsigned life = 0;
  unsigned instance = 0;
  SetTimer timer;
};

/// A packet on the wire.
struct Packet {
  unsigned segment = 0;
  net::IpAddress source;
  net::IpAddress destination;
  std::vector<std::uint8_t> payload;
};

class Machine : public Conductor {
 public:
  Machine(World& world, unsigned number, const Plan& plan);

  void start();
  void stop_in_order();
  void crash();
  /// What `vrrpd --withdraw` does for a dead process.
  void withdraw();
  /// From now on nothing is read and no timer is served, until the same trouble ends.
  void pause(const Disturbance& trouble);
  /// `stood`: how long the clock stood, too.
  void resume(const Disturbance& trouble, Duration stood, bool timers_first);
  void jump_clock(Duration forward);
  void set_link(const std::string& interface, bool up);
  void reload(const std::vector<config::VrrpInstance>& settings);
  void ring(const Alarm& alarm);
  void arrive(std::shared_ptr<const Packet> packet);

  [[nodiscard]] bool is_running() const { return !stations_.empty() && !stopping_; }
  [[nodiscard]] bool is_paused() const { return pause_ != nullptr; }
  [[nodiscard]] bool is_dead() const { return stations_.empty(); }
  /// The instance of the process that runs; none when there is none.
  [[nodiscard]] const Instance* instance(unsigned index) const {
    return stations_.empty() ? nullptr : &stations_[index]->core;
  }
  [[nodiscard]] bool holds(unsigned index) const { return holds_[index]; }
  [[nodiscard]] bool link_is_up(unsigned segment) const { return links_[segment]; }
  [[nodiscard]] TimePoint clock() const;
  /// Of the tracked interface, as the process was told.
  [[nodiscard]] bool tracked_is_up() const { return told_tracked_; }
  /// Packets that have arrived and not been read.
  [[nodiscard]] bool has_unread() const { return !inbox_.empty(); }
  /// What the process found when it started.
  [[nodiscard]] Heritage heritage(unsigned index) const { return {inherited_[index], silence_}; }
  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] const std::vector<config::VrrpInstance>& settings() const { return settings_; }

 private:
  struct Station : Member {
    Station(unsigned place, const config::VrrpInstance& settings) : Member{settings}, index{place} {}
    unsigned index;
    std::array<std::optional<SetTimer>, timer_count> timers{};
  };

  TimePoint now() override;
  void perform(Member& member, const Action& action) override;
  void settled(Member& member) override;
  void drain(Member& member) override;

  void send(Station& station, std::uint8_t priority);
  void send(Station& station, std::uint8_t priority, unsigned segment);
  void receive(const Packet& packet);
  void read_inbox();
  void tell(Station& station);
  void end();
  [[nodiscard]] unsigned segment_of(unsigned index) const { return index % plan_.segments; }

  World& world_;
  unsigned number_;
  const Plan& plan_;
  std::vector<config::VrrpInstance> settings_;

  // The kernel
  Duration offset_{};  ///< of this machine's clock to the world's
  std::vector<bool> links_;
  bool tracked_up_ = true;
  bool told_tracked_ = true;
  std::vector<bool> holds_;

  // The process
  unsigned life_ = 0;
  const Disturbance* pause_ = nullptr;
  TimePoint paused_at_;
  bool stopping_ = false;
  bool links_changed_ = false;
  std::vector<std::unique_ptr<Station>> stations_;
  Group group_;
  std::vector<std::shared_ptr<const Packet>> inbox_;
  std::vector<Alarm> late_;
  std::vector<std::uint8_t> buffer_;

  // The run directory
  std::vector<Role> saved_;
  std::vector<Role> inherited_;
  Duration silence_{};
  TimePoint last_life_;
};

}  // namespace ballast::vrrpd::sim
