#pragma once
#include "daemons/forwardd/ipvs/engine_ipvs.hpp"

namespace ballast::forwardd {

/// Both engines as one: each service is that of the engine which its configuration names.
class Engines final : public Engine {
 public:
  /// `xdp_is_there`: whether the kernel holds something of that engine, used or not.
  Engines(Engine& xdp, ipvs::IpvsEngine& ipvs, bool xdp_is_there) : xdp_{xdp}, ipvs_{ipvs}, uses_xdp_{xdp_is_there} {}

  std::vector<Error> reconcile(const DesiredState& desired) override;
  Result<> set_roles(const std::map<std::string, RoleState>& roles) override;
  std::map<std::string, ServerCounters> counters(const std::string& service) override;
  std::vector<bus::ServerTraffic> traffic(const std::string& service) override { return xdp_.traffic(service); }
  std::vector<bus::Connection> connections(const ConnectionFilter& filter) override;
  std::vector<bus::DropCount> drops() override { return xdp_.drops(); }
  Result<std::vector<bus::TraceStep>> trace(const TraceQuery& query) override;
  nlohmann::json about() override;
  Result<> unload() override;

 private:
  Engine& xdp_;
  ipvs::IpvsEngine& ipvs_;
  bool uses_xdp_;
  bool uses_ipvs_ = false;
  std::set<std::string> of_ipvs_;  ///< names of services
};

}  // namespace ballast::forwardd
