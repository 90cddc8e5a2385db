#include "daemons/forwardd/computation.hpp"

#include <algorithm>

namespace ballast::forwardd {

void Computation::configure(const config::Model& model) {
  const RoleIndex index{model};
  const bool same_timeouts = configured_ && global_.lvs_timeouts == model.global.lvs_timeouts;
  auto before = std::exchange(services_, {});
  auto known = std::exchange(places_, {});
  const auto states = std::exchange(state_, {});
  services_.reserve(model.virtual_servers.size());
  for (std::size_t place = 0; place < model.virtual_servers.size(); ++place) {
    auto configured = model.virtual_servers.shared(place);
    auto instances = index.instances_of(*configured);
    const auto old = known.find(configured->name);
    if (old == known.end()) {
      services_.push_back({.configured = configured, .instances = std::move(instances)});
      state_.services.push_back(DesiredService{});
    } else {
      auto service = std::move(before[old->second]);
      const bool same = service.configured == configured || *service.configured == *configured;
      service.stale |= !same || !same_timeouts || service.instances != instances;
      // Its name is the key of both tables, and `before` keeps the former one until this is over.
      before[old->second].configured = std::exchange(service.configured, configured);
      service.instances = std::move(instances);
      services_.push_back(std::move(service));
      state_.services.push_back(states.services.shared(old->second));
      known.erase(old);
    }
    places_.emplace(configured->name, place);
  }
  for (const auto& [name, place] : known) gone_.emplace_back(name);
  global_ = model.global;
  state_.interfaces = model.global.lb_interfaces;
  state_.xdp_mode = model.global.xdp_mode;
  state_.connection_table_size = model.global.connection_table_size;
  state_.timeouts = model.global.lvs_timeouts;
  state_.sync_daemon = model.global.sync_daemon;
  for (const auto& instance : model.vrrp_instances) {
    for (const auto* addresses : {&instance.virtual_addresses, &instance.virtual_addresses_excluded}) {
      for (const auto& vip : *addresses) state_.virtual_addresses.emplace_back(vip.prefix.address, vip.interface);
    }
  }
  configured_ = true;
  state_changed_ = true;
}

void Computation::service_changed(std::string_view service) {
  if (const auto found = places_.find(service); found != places_.end()) services_[found->second].stale = true;
}

void Computation::role_changed(const std::string& instance) {
  for (auto& service : services_) {
    if (service.instances.contains(instance)) service.stale = true;
  }
}

Computation::Report Computation::compute_one(std::size_t place, const Inputs& inputs, double now) {
  auto& service = services_[place];
  auto computed = compute(global_, *service.configured, service.instances, inputs, service.memory, now);
  service.stale = false;
  service.memory = std::move(computed.memory);
  service.again = computed.again;
  if (std::as_const(state_.services)[place] != computed.desired) {
    state_.services.put(place, std::move(computed.desired));
    state_changed_ = true;
  }
  auto before = std::exchange(service.report, std::move(computed.report));
  return {std::move(before), &*service.report};
}

Computation::Changes Computation::update(const Inputs& inputs, double now) {
  auto roles_now = roles(inputs.roles);
  state_changed_ |= roles_now != state_.roles;
  state_.roles = std::move(roles_now);
  Changes changes{.state = false, .reports = {}, .gone = std::exchange(gone_, {}), .again = {}};
  for (std::size_t place = 0; place < services_.size(); ++place) {
    auto& service = services_[place];
    if (service.stale || service.again.value_or(now + 1) <= now)
      changes.reports.push_back(compute_one(place, inputs, now));
    if (service.again) changes.again = std::min(changes.again.value_or(*service.again), *service.again);
  }
  changes.state = std::exchange(state_changed_, false);
  return changes;
}

std::vector<bus::ServiceState> Computation::reports() const {
  std::vector<bus::ServiceState> all;
  all.reserve(services_.size());
  for (const auto& service : services_) {
    if (service.report) all.push_back(*service.report);
  }
  return all;
}

std::map<std::string, RoleState> Computation::roles(const std::map<std::string, bus::VrrpRole>& states) const {
  std::map<std::string, RoleState> roles;
  for (const auto& service : services_) {
    if (!service.instances.empty())
      roles.try_emplace(role_name(service.instances), role_state(service.instances, states));
  }
  if (state_.sync_daemon && !state_.sync_daemon->instance.empty()) {
    const std::set<std::string> decides{state_.sync_daemon->instance};
    roles.try_emplace(role_name(decides), role_state(decides, states));
  }
  return roles;
}

}  // namespace ballast::forwardd
