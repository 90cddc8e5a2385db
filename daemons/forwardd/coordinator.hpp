#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/bus/messages.hpp"
#include "daemons/forwardd/computation.hpp"
#include "daemons/forwardd/engine.hpp"
#include "daemons/forwardd/traffic.hpp"

namespace ballast::forwardd {

/// What the coordinator tells the world.
struct Outlet {
  std::function<void(const bus::ServiceState&)> publish;
  std::function<void(const std::string& service)> withdraw;
  std::function<void(bus::Event)> event;
  std::function<void(const bus::ServiceTraffic&)> publish_traffic{};
  std::function<void(const std::string& service)> withdraw_traffic{};
};

/// Brings configuration, health, operators' words and VRRP roles together and keeps the engine at what follows from
/// them. Nothing is reconciled before all of them have been heard once, so that a restart takes no half truth for the
/// whole.
class Coordinator {
 public:
  Coordinator(boost::asio::io_context& io, Engine& engine, Outlet outlet);

  void apply(const config::Model& model);
  /// A retained topic of the prefixes `health/`, `admin/` and `vrrp/`.
  void update(const std::string& topic, const nlohmann::json& value);
  void snapshot_end(const std::string& prefix);
  /// Links or routes are others than before.
  void network_changed() {
    engine_stale_ = true;
    schedule();
  }

  /// Answers the requests `services`, `connections`, `drops`, `trace` and `engine`.
  Result<nlohmann::json> request(const std::string& method, const nlohmann::json& params);

 private:
  void take_role(const std::string& instance, const nlohmann::json& value);
  [[nodiscard]] bool may_reconcile() const;
  void schedule();
  void reconcile();
  void reconcile_engine();
  void schedule_at(double time);
  void await_traffic();
  void tell_traffic();
  void report(const Computation::Changes& changes);
  void tell_change(const bus::ServiceState* before, const bus::ServiceState& now);
  void tell_errors(const std::vector<Error>& errors);
  [[nodiscard]] std::vector<bus::ServiceState> services();

  boost::asio::io_context& io_;
  Engine& engine_;
  Outlet outlet_;
  boost::asio::steady_timer retry_;
  boost::asio::steady_timer rest_;  ///< after a reconciliation that took long
  boost::asio::steady_timer::time_point rested_{};
  boost::asio::steady_timer pace_;  ///< weights that change by time
  boost::asio::steady_timer traffic_timer_;
  Inputs inputs_;
  Computation services_;
  TrafficReports traffic_;
  std::set<std::string> awaited_{"health/", "admin/", "vrrp/"};
  std::set<std::string> errors_;  ///< told already
  bool scheduled_ = false;
  bool engine_stale_ = true;  ///< there is something to do for it, whether the state changes or not
};

}  // namespace ballast::forwardd
