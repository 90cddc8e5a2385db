#pragma once
// Time, the machines and the network between them: carries out one plan.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/judge.hpp"
#include "tests/sim/machine.hpp"
#include "tests/sim/network.hpp"

namespace ballast::vrrpd::sim {

/// Takes one line about something that happened.
using Trace = std::function<void(const std::string&)>;

class World {
 public:
  World(const Plan& plan, std::uint64_t seed, Trace trace = {});

  /// What was broken first, in words; nothing when every promise was kept.
  std::optional<std::string> run();

  // For the machines
  [[nodiscard]] TimePoint time() const { return time_; }
  void set_alarm(const Alarm& alarm, TimePoint at);
  void send(unsigned from, std::shared_ptr<const Packet> packet);
  Judge& judge() { return judge_; }

  // For the judge
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Machine>>& machines() const { return machines_; }
  /// Grows with everything that happens to a machine or a segment.
  [[nodiscard]] std::uint64_t troubles() const { return troubles_; }
  /// No packet of the segment is lost or late, and no machine stands still.
  [[nodiscard]] bool is_calm(unsigned segment) const;
  /// Has `check` look at the world again.
  void check_later(TimePoint at, std::function<void()> check);
  template <class... Args>
  void tell(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_) trace_(fmt::format("{:>10.4f} ", seconds()) + fmt::format(format, std::forward<Args>(args)...));
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(time_ - start_).count(); }

 private:
  enum class Kind : std::uint8_t { packet, alarm, begin, end, restart, withdraw, check };
  struct Event {
    TimePoint at;
    std::uint64_t order = 0;  ///< what was scheduled first happens first
    Kind kind{};
    std::uint32_t index = 0;  ///< of a packet, an alarm, a disturbance or a check
    std::uint32_t machine = 0;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  void push(TimePoint at, Kind kind, std::size_t index, unsigned machine = 0);
  void happen(const Event& event);
  void begin(const Disturbance& trouble);
  void end(const Disturbance& trouble);

  const Plan& plan_;
  Trace trace_;
  Random random_;
  Network network_;
  const TimePoint start_{std::chrono::hours{1}};
  TimePoint time_ = start_;
  std::vector<std::unique_ptr<Machine>> machines_;
  Judge judge_;
  std::vector<Event> queue_;
  std::vector<std::shared_ptr<const Packet>> packets_;
  std::vector<Alarm> alarms_;
  std::vector<std::uint32_t> free_packets_, free_alarms_;
  std::vector<std::function<void()>> checks_;
  std::uint64_t order_ = 0;
  std::uint64_t troubles_ = 0;
  std::uint64_t happened_ = 0;
};

}  // namespace ballast::vrrpd::sim
