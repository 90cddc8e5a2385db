// Speaker: what the kernel has besides addresses.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"

namespace ballast::vrrpd {

KernelPlan Speaker::kernel_plan() const {
  std::vector<KernelClient> clients;
  for (const auto& [name, router] : routers_) clients.push_back({&router->config, router->put});
  return plan_kernel(clients, model_.statics, model_.global.firewall);
}

/// Links first: a new instance speaks from its own.
void Speaker::make_links(const std::vector<config::VrrpInstance>& instances) {
  KernelPlan plan;
  for (const auto& instance : instances) {
    for (const auto& vmac : instance.kernel.vmacs) plan.vmacs.emplace(vmac.name, vmac);
  }
  kernel_->make_links(plan);
}

/// True if a link of a virtual MAC was missing and is there again.
bool Speaker::repair_links() {
  if (!kernel_->make_links(kernel_plan())) return false;
  for (auto& [key, port] : ports_) open_port(*port);
  return true;
}

void Speaker::schedule_kernel() {
  if (std::exchange(kernel_scheduled_, true)) return;
  boost::asio::post(io_, [this] {
    if (std::exchange(kernel_scheduled_, false)) sync_kernel();
  });
}

void Speaker::schedule_routes(const Router& router) {
  if (!router.config.kernel.routes.empty() || !router.config.kernel.rules.empty()) schedule_kernel();
}

void Speaker::sync_kernel() {
  kernel_scheduled_ = false;
  if (repair_links()) schedule_repair();
  put_statics();
  kernel_->apply(kernel_plan());
  for (auto& [name, router] : routers_) tell_need(*router);
}

void Speaker::put_statics() {
  statics_fault_.clear();
  for (const auto& address : model_.statics.addresses) {
    if (host_->link(address.interface) != nullptr) continue;
    statics_fault_.push_back(
        {"", address.options.group, fmt::format("static {}: {} does not exist", address.prefix, address.interface)});
  }
  auto addresses = model_.statics.addresses;
  for (auto& address : addresses) {
    const bool alone = address.prefix.address.is_v6() && address.prefix.length == address.prefix.address.bit_length();
    if (!address.options.preferred) address.options.preferred = alone ? 0 : config::forever;
  }
  const auto added = keeper_->put(addresses);
  if (!added.empty()) log::info("static: {} added", fmt::join(added, ", "));
}

void Speaker::tell_need(Router& router) {
  auto fault = need_fault(router.config);
  if (fault == router.told_need) return;
  router.told_need = fault;
  dispatch(router, NeedChanged{std::move(fault)});
}

std::optional<std::string> Speaker::need_fault(const config::VrrpInstance& instance) const {
  if (!instance.kernel.vmac.empty()) {
    if (auto fault = kernel_->link_fault(instance.kernel.vmac)) return fault;
  }
  const auto tracks = [&](const std::string& name) {
    return std::ranges::any_of(model_.statics.groups, [&](const config::TrackGroup& group) {
      return group.name == name && std::ranges::find(group.members, instance.name) != group.members.end();
    });
  };
  for (const auto* list : {&statics_fault_, &kernel_->problems()}) {
    for (const auto& problem : *list) {
      if (!problem.group.empty() && tracks(problem.group)) return problem.text;
    }
  }
  return std::nullopt;
}

/// What the process before may have left.
void Speaker::know_kernel(const SavedState& before) {
  std::vector<KernelClient> clients;
  for (const auto& instance : before.instances) {
    kernel_->know(instance.settings);
    clients.push_back({&instance.settings, false});
  }
  const auto model = read_model(run_dir_);
  if (!model) return;
  keeper_->know(model->statics.addresses);
  kernel_->know(plan_kernel(clients, model->statics, model->global.firewall), model->statics);
}

void Speaker::clear_kernel() {
  keeper_->take(model_.statics.addresses);
  kernel_->apply(KernelPlan{});
}

}  // namespace ballast::vrrpd
