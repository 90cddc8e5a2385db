#include "daemons/forwardd/engines.hpp"

#include <algorithm>

namespace ballast::forwardd {

std::vector<Error> Engines::reconcile(const DesiredState& desired) {
  const auto is_ipvs = [](const auto& service) { return service.engine == config::EngineKind::ipvs; };
  const bool any = std::ranges::any_of(desired.services, is_ipvs);
  of_ipvs_.clear();
  DesiredState xdp = desired;
  DesiredState ipvs;
  if (any) {
    xdp.services.clear();
    for (std::size_t i = 0; i < desired.services.size(); ++i) {
      auto& target = is_ipvs(desired.services[i]) ? ipvs : xdp;
      target.services.push_back(desired.services.shared(i));
      if (&target == &ipvs) of_ipvs_.insert(desired.services[i].name);
    }
  }
  ipvs.roles = desired.roles;
  ipvs.timeouts = desired.timeouts;
  ipvs.sync_daemon = desired.sync_daemon;
  uses_ipvs_ = any || ipvs.sync_daemon.has_value();
  // Where all is IPVS's, no program of ours has to be on the interfaces.
  uses_xdp_ |= !xdp.services.empty() || !uses_ipvs_;
  auto errors = ipvs_.reconcile(ipvs);
  if (uses_xdp_) {
    auto more = xdp_.reconcile(xdp);
    errors.insert(errors.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return errors;
}

Result<> Engines::set_roles(const std::map<std::string, RoleState>& roles) {
  const auto xdp = uses_xdp_ ? xdp_.set_roles(roles) : Result<>{};
  const auto ipvs = ipvs_.set_roles(roles);
  return xdp ? ipvs : xdp;
}

std::map<std::string, ServerCounters> Engines::counters(const std::string& service) {
  return of_ipvs_.contains(service) ? ipvs_.counters(service) : xdp_.counters(service);
}

std::vector<bus::Connection> Engines::connections(const ConnectionFilter& filter) {
  auto all = uses_xdp_ ? xdp_.connections(filter) : std::vector<bus::Connection>{};
  auto rest = filter;
  rest.limit = filter.limit - std::min(filter.limit, all.size());
  if (uses_ipvs_ && rest.limit > 0) {
    auto more = ipvs_.connections(rest);
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return all;
}

Result<std::vector<bus::TraceStep>> Engines::trace(const TraceQuery& query) {
  return ipvs_.find(query.protocol, query.destination) != nullptr ? ipvs_.trace(query) : xdp_.trace(query);
}

nlohmann::json Engines::about() {
  if (!uses_ipvs_) return xdp_.about();
  if (!uses_xdp_) {
    auto about = ipvs_.about();
    about["interfaces"] = nlohmann::json::array();
    return about;
  }
  auto about = xdp_.about();
  about["ipvs"] = ipvs_.about();
  return about;
}

Result<> Engines::unload() {
  const auto ipvs = ipvs_.unload();
  const auto xdp = xdp_.unload();
  return ipvs ? xdp : ipvs;
}

}  // namespace ballast::forwardd
