#pragma once
#include <compare>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/bus/messages.hpp"
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
};

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
  /// Takes a configuration. Checks that stay go on with their state; where a server's checks changed, it keeps its state
  /// until the new ones have a result.
  Plan apply(const config::Model& model, double now);

  struct Outcome {
    config::Duration wait{};  ///< until that check's next probe
    News news;
  };
  /// Takes a probe's result. The check must be one that was started and not stopped.
  Outcome on_verdict(CheckId id, const Verdict& verdict, double now);

  /// The wait before a check's first probe; `random` is in [0, 1).
  [[nodiscard]] config::Duration first_delay(CheckId id, double random) const;

 private:
  struct CheckHash {
    std::size_t operator()(const config::Check& check) const;
  };
  struct Running {
    CheckPolicy policy;
    std::vector<ServerKey> users;
  };
  struct Server {
    std::vector<CheckId> checks;
    bus::ServerHealth health;
  };
  using Ids = std::unordered_map<config::Check, CheckId, CheckHash>;

  Plan adopt_checks(const config::Model& model);
  CheckPolicy fresh_policy(const config::Check& check, const std::vector<ServerKey>& users,
                           const std::unordered_set<CheckId>& stay) const;
  void adopt_servers(const config::Model& model, double now, Plan& plan);
  void refresh(const ServerKey& key, Server& server, double now, bool is_new, News& news) const;

  CheckId next_id_ = 1;
  Ids ids_;
  std::unordered_map<CheckId, Running> running_;
  std::map<ServerKey, Server> servers_;
};

}  // namespace ballast::checkd
