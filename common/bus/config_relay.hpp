#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/config_transfer.hpp"
#include "common/bus/retained.hpp"
#include "common/runtime/clock.hpp"

namespace ballast::bus {

/// ballastd's part in transactions: a configuration is in force when all who take part have acknowledged it, and the
/// transaction is over when they have carried it out. Who joins later (or has missed it) gets the one in force alone.
class ConfigRelay {
 public:
  using TimePoint = runtime::TimePoint;
  using Done = std::function<void(Result<>)>;
  struct Outlet {
    std::function<void(ConnectionId, const FrameBytes&)> send;
    /// A daemon does not run the configuration in force.
    std::function<void(const std::string& role, const std::string& why)> refused;
  };

  explicit ConfigRelay(Outlet outlet) : outlet_{std::move(outlet)} {}

  /// Offers a configuration to all; `done` is called once, with the reason if it was not taken. One at a time.
  void offer(const config::Model& model, TimePoint now, Done done);
  void joined(ConnectionId id, const std::string& role, TimePoint now);
  void left(ConnectionId id, TimePoint now);
  /// What an `ack` says of its sender: it can do with what has changed, and it tells when it has carried one out.
  struct Abilities {
    bool takes_changes = false;
    bool says_applied = false;
  };
  void acknowledged(ConnectionId id, std::uint64_t generation, const Result<>& verdict, Abilities abilities,
                    TimePoint now);
  /// An `applied`.
  void carried_out(ConnectionId id, std::uint64_t generation);
  /// Gives up on those who have not answered in time.
  void tick(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> deadline() const;
  [[nodiscard]] bool busy() const { return transaction_ || carrying_out_; }

  /// With daemons that answer, and with those that carry it out; longer where there is much to read.
  static constexpr std::chrono::seconds patience{10};

 private:
  struct Participant {
    std::string role;
    std::uint64_t offered = 0;  ///< the generation it has been offered and has not answered; 0: none
    std::uint64_t agreed = 0;   ///< the one it has acknowledged last
    std::uint64_t running = 0;
    std::uint64_t carried_out = 0;
    Abilities abilities{};
    std::chrono::seconds patience = ConfigRelay::patience;
    TimePoint deadline;
  };
  /// Secrets are for vrrpd alone.
  struct Offers {
    ConfigOffer whole;
    std::optional<ConfigOffer> open;  ///< none: there are no secrets
    static Offers of(const config::Model& model, std::uint64_t generation, const Offers* before);
    [[nodiscard]] const ConfigOffer& to(const std::string& role) const;
    [[nodiscard]] std::uint64_t generation() const { return whole.generation; }
  };
  struct Transaction {
    Offers offers;
    TimePoint deadline;
    Done done;
  };
  /// All have agreed to the one in force, and some have not said yet that it is done.
  struct CarryingOut {
    TimePoint deadline;
    Done done;
  };
  static constexpr std::size_t read_in_a_second = 2U << 20;  ///< bytes of frames, by a daemon on a busy machine
  void send_offer(ConnectionId id, Participant& participant, const Offers& offers, TimePoint now);
  void catch_up(TimePoint now);
  void conclude(TimePoint now);
  void finish(const Result<>& outcome, TimePoint now);
  [[nodiscard]] bool is_at_work(const Participant& participant) const;
  void conclude_work();
  void end_work();

  Outlet outlet_;
  std::map<ConnectionId, Participant> participants_;
  std::optional<Offers> in_force_;
  std::optional<Transaction> transaction_;
  std::optional<CarryingOut> carrying_out_;
  std::map<const ConfigOffer*, std::vector<FrameBytes>> changes_;  ///< of the transaction's offers since those in force
  std::uint64_t generation_ = 0;
};

}  // namespace ballast::bus
