#include "daemons/vrrpd/shell/kernel_keeper.hpp"

#include <algorithm>

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {

KernelKeeper::KernelKeeper(boost::asio::io_context& io, netlink::Socket kernel, Host& host,
                           const std::filesystem::path& run_dir, std::function<void()> changed)
    : io_{io},
      kernel_{std::move(kernel)},
      changed_{std::move(changed)},
      vmacs_{kernel_, host},
      settings_{kernel_, host, run_dir},
      routes_{kernel_, host},
      firewall_{io, changed_} {}

Result<std::unique_ptr<KernelKeeper>> KernelKeeper::open(boost::asio::io_context& io, Host& host,
                                                         const std::filesystem::path& run_dir,
                                                         std::function<void()> changed) {
  auto kernel = netlink::Socket::open();
  if (!kernel) return kernel.error();
  return std::unique_ptr<KernelKeeper>{new KernelKeeper{io, std::move(*kernel), host, run_dir, std::move(changed)}};
}

void KernelKeeper::know(const config::VrrpInstance& instance) {
  for (const auto& vmac : instance.kernel.vmacs) vmacs_.know(vmac.name);
  routes_.know(instance.kernel.routes);
  routes_.know(instance.kernel.rules);
}

void KernelKeeper::know(const KernelPlan& plan, const config::StaticObjects& statics) {
  routes_.know(statics.routes);
  routes_.know(statics.rules);
  if (!plan.firewall.empty()) firewall_.know(plan.firewall.settings.table);
}

void KernelKeeper::apply(const KernelPlan& plan) {
  std::set<std::string> links;
  const bool four = !plan.firewall.vmacs4.empty();
  for (const auto& [name, vmac] : plan.vmacs) links.insert(name);
  settings_.apply(plan.settings, links, four);
  std::vector<Problem> problems;
  if (!plan.routes.empty() || !plan.rules.empty()) listen();
  routes_.apply(plan, problems);
  tell_problems(std::move(problems));
  vmacs_.sweep(plan.vmacs);  // before the firewall: a link's last words are reports, too
  auto firewall = plan.firewall;
  // nft knows an interface that is there only.
  for (auto* vmacs : {&firewall.vmacs4, &firewall.vmacs6}) {
    std::erase_if(*vmacs, [&](const auto& vmac) { return vmacs_.faults().contains(vmac.first); });
  }
  const auto done = firewall_.apply(firewall);
  const auto fault = done ? std::string{} : done.error().message;
  if (fault != firewall_fault_ && !done) log::error("{}", fault);
  firewall_fault_ = fault;
}

void KernelKeeper::listen() {
  if (monitor_) return;
  netlink::MonitorHandlers handlers;
  handlers.route_entry = [this](const netlink::RouteEntry& entry, bool removed) {
    if (removed && routes_.is_ours(entry)) changed_();
  };
  handlers.rule_entry = [this](const netlink::RuleEntry& entry, bool removed) {
    if (removed && routes_.is_ours(entry)) changed_();
  };
  handlers.resync = changed_;
  auto opened = netlink::Monitor::open(io_, std::move(handlers));
  if (!opened) return log::warning("changes of routes and rules go unheard: {}", opened.error().message);
  monitor_ = std::move(*opened);
}

void KernelKeeper::tell_problems(std::vector<Problem> problems) {
  std::ranges::sort(problems);
  for (const auto& problem : problems) {
    if (!std::ranges::binary_search(problems_, problem)) log::warning("{}: tried again when it may be", problem.text);
  }
  for (const auto& problem : problems_) {
    if (!std::ranges::binary_search(problems, problem)) log::info("settled: {}", problem.text);
  }
  problems_ = std::move(problems);
}

std::optional<std::string> KernelKeeper::link_fault(const std::string& vmac) const {
  const auto found = vmacs_.faults().find(vmac);
  return found == vmacs_.faults().end() ? std::nullopt : std::optional{found->second};
}

}  // namespace ballast::vrrpd
