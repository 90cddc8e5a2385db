#pragma once
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/bus/messages.hpp"
#include "daemons/checkd/passive.hpp"
#include "daemons/checkd/policy.hpp"

namespace ballast::checkd {

using CheckId = std::uint64_t;

/// One real server of one service.
struct ServerKey {
  std::string service;
  std::string server;
  auto operator<=>(const ServerKey&) const = default;
};

/// A check to be run from now on.
struct Started {
  CheckId id = 0;
  config::Check check;
  bool operator==(const Started&) const = default;
};

/// What to tell: states to publish, and for a server that went up or down an event with its line.
struct News {
  std::vector<bus::ServerHealth> publish;
  std::vector<bus::Event> events;
  std::vector<std::string> log;  ///< lines for the log alone: failures that do not count yet (log_all_failures)
};

/// Names of services that are not to be probed now (ha_suspend).
using Suspended = std::set<std::string>;

/// What a new configuration asks for.
struct Plan {
  std::vector<Started> start;
  std::vector<CheckId> stop;
  std::vector<ServerKey> withdraw;
  News news;
};

/// What is known of all servers: which checks each has, and what their results make of it. Equal checks of one endpoint
/// are one check, whatever number of services uses it. Pure: results and wall-clock time come in, what to do comes out.
class Board {
 public:
  /// Takes a configuration; services that it leaves as they were cost next to nothing. Checks that stay go on with
  /// their state; where a server's checks changed, it keeps its state until the new ones have a result. A service that
  /// is suspended keeps what is known of its servers.
  Plan apply(const config::Model& model, double now, const Suspended& suspended = {});

  struct Outcome {
    config::Duration wait{};  ///< until that check's next probe
    News news;
  };
  /// Takes a probe's result. The check must be one that was started and not stopped.
  Outcome on_verdict(CheckId id, const Verdict& verdict, double now);

  /// What passive health says.
  struct Passive {
    News news;
    std::vector<CheckId> probe;  ///< these checks at once
  };
  /// What the data path has seen of a service's new connections (passive_check).
  Passive on_traffic(const bus::ServiceTraffic& traffic, double now);
  /// The time that next_hold() named has come.
  Passive on_hold_end(double now);
  /// When the first of the servers that are down by passive health has been held long enough; none: no server is.
  [[nodiscard]] std::optional<double> next_hold() const;

  /// The wait before a check's first probe; `random` is in [0, 1).
  [[nodiscard]] config::Duration first_delay(CheckId id, double random) const;

 private:
  struct CheckHash {
    std::size_t operator()(const config::Check& check) const;
  };
  struct Running {
    CheckPolicy policy;
    std::vector<ServerKey> users;
    config::Duration expiry_warning{0};  ///< of its certificate; 0: never told
    bool log_all = false;
    double certificate_until = 0;
    std::int64_t days_told = std::numeric_limits<std::int64_t>::max();  ///< days left when the end was last told
  };
  struct Server {
    std::vector<CheckId> checks;
    int weight = 1;  ///< as configured
    bool any_check = false;
    bool suspended = false;
    bus::ServerHealth health;
  };
  using Ids = std::unordered_map<config::Check, CheckId, CheckHash>;

  using Shared = config::SharedList<config::VirtualServer>::Shared;
  /// A service as last adopted.
  struct Adopted {
    Shared service;
    bool suspended = false;
  };
  /// What of the services is other than before, and becomes `adopted_` of them.
  struct Difference {
    std::map<std::string, Adopted> before;  ///< those that are others now, and those that are gone
    std::vector<Adopted> now;               ///< those that are others or new, in the configuration's order
  };
  Difference adopt(const config::Model& model, const Suspended& suspended);
  void release_checks(const Difference& difference);
  void adopt_checks(const Difference& difference, Plan& plan);
  void stop_unused(const Difference& difference, Plan& plan);
  CheckPolicy fresh_policy(const config::Check& check, const std::vector<ServerKey>& users) const;
  void adopt_watches(const Difference& difference);
  void adopt_servers(const Difference& difference, double now, Plan& plan);
  void adopt_server(const ServerKey& key, const config::RealServer& configured, bool suspended, double now, News& news);
  /// What the checks make of a server, in words of the bus.
  [[nodiscard]] bus::ServerHealth judge(const ServerKey& key, const Server& server) const;
  [[nodiscard]] std::optional<int> weight_of(const Server& server) const;
  void watch_certificate(Running& check, const Verdict& verdict, double now, News& news) const;
  void refresh(const ServerKey& key, Server& server, double now, bool is_new, News& news) const;
  bool passed_for(const ServerKey& key, double now);
  /// Whether a server is up by its checks.
  [[nodiscard]] bool is_up_by_checks(const ServerKey& key) const;
  void take(const std::string& service, const PassiveWatch::Outcome& outcome, double now, Passive& passive);

  std::map<std::string, Adopted> adopted_;
  CheckId next_id_ = 1;
  Ids ids_;
  std::unordered_map<CheckId, Running> running_;
  std::map<ServerKey, Server> servers_;
  std::map<std::string, PassiveWatch> watches_;  ///< by service
};

}  // namespace ballast::checkd
