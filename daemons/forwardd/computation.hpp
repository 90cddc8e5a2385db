#pragma once
// What follows from the inputs, kept: a change costs what it concerns, however many services there are.
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemons/forwardd/desired.hpp"

namespace ballast::forwardd {

class Computation {
 public:
  /// Takes a configuration; services that it leaves as they were are not computed anew.
  void configure(const config::Model& model);

  // Of what inputs have changed; a name that is not known is passed over.
  void service_changed(std::string_view service);
  void role_changed(const std::string& instance);

  /// A service computed anew.
  struct Report {
    std::optional<bus::ServiceState> before;  ///< none: for the first time
    const bus::ServiceState* now;             ///< valid until the next `configure` or `update`
  };
  struct Changes {
    bool state = false;  ///< `state()` is another than before
    std::vector<Report> reports;
    std::vector<std::string> gone;  ///< names of services that the configuration has no more
    std::optional<double> again;    ///< when a weight changes by time alone (slow start)
  };
  /// Computes what has changed; `state` is then what should be.
  Changes update(const Inputs& inputs, double now);

  [[nodiscard]] const DesiredState& state() const { return state_; }
  [[nodiscard]] bool is_configured() const { return configured_; }
  /// Of all services, in the configuration's order, as last computed.
  [[nodiscard]] std::vector<bus::ServiceState> reports() const;
  /// What the roles (`DesiredService::role`) say: the short way for a change of a VRRP state.
  [[nodiscard]] std::map<std::string, RoleState> roles(const std::map<std::string, bus::VrrpRole>& states) const;

 private:
  struct Service {
    config::SharedList<config::VirtualServer>::Shared configured;
    std::set<std::string> instances;
    bool stale = true;
    Memory memory{};
    std::optional<bus::ServiceState> report{};
    std::optional<double> again{};
  };
  Report compute_one(std::size_t place, const Inputs& inputs, double now);

  bool configured_ = false;
  config::Global global_;
  std::vector<Service> services_;  ///< in the configuration's order, as `state_.services`
  std::unordered_map<std::string_view, std::size_t> places_;
  std::vector<std::string> gone_;
  bool state_changed_ = false;
  DesiredState state_;
};

}  // namespace ballast::forwardd
