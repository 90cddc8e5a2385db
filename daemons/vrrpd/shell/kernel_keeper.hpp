#pragma once
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/netlink/monitor.hpp"
#include "daemons/vrrpd/shell/firewall_keeper.hpp"
#include "daemons/vrrpd/shell/route_keeper.hpp"
#include "daemons/vrrpd/shell/settings_keeper.hpp"
#include "daemons/vrrpd/shell/vmac_keeper.hpp"

namespace ballast::vrrpd {

/// Makes the kernel match a plan, and hears when others change what is ours.
class KernelKeeper {
 public:
  /// `changed` is called when something of ours may be missing: then `apply` is due.
  static Result<std::unique_ptr<KernelKeeper>> open(boost::asio::io_context& io, Host& host,
                                                    const std::filesystem::path& run_dir,
                                                    std::function<void()> changed);

  /// What the process before had in its configuration: it may be removed.
  void know(const config::VrrpInstance& instance);
  void know(const KernelPlan& plan, const config::StaticObjects& statics);
  /// The links alone, before sockets are opened on them; true if one was made or changed.
  bool make_links(const KernelPlan& plan) { return vmacs_.make(plan.vmacs); }
  /// All the rest; gone is what the plan does not have.
  void apply(const KernelPlan& plan);
  /// Why the link of a virtual MAC is not there; none: it is.
  [[nodiscard]] std::optional<std::string> link_fault(const std::string& vmac) const;
  /// Routes come and go with addresses without a word of the kernel's.
  [[nodiscard]] bool has_routes() const { return routes_.has_any(); }
  /// What could not be there when it was last tried.
  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }

 private:
  KernelKeeper(boost::asio::io_context& io, netlink::Socket kernel, Host& host, const std::filesystem::path& run_dir,
               std::function<void()> changed);
  void listen();
  void tell_problems(std::vector<Problem> problems);

  boost::asio::io_context& io_;
  netlink::Socket kernel_;
  std::function<void()> changed_;
  VmacKeeper vmacs_;
  SettingsKeeper settings_;
  RouteKeeper routes_;
  FirewallKeeper firewall_;
  std::string firewall_fault_;
  std::vector<Problem> problems_;
  std::unique_ptr<netlink::Monitor> monitor_;  ///< while there are routes or rules
};

}  // namespace ballast::vrrpd
