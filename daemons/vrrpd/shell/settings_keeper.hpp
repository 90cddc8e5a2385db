#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/protocol/kernel_plan.hpp"
#include "daemons/vrrpd/shell/host.hpp"

namespace ballast::vrrpd {

/// What links' IPv4 is told (sysctl), raised to what the plan needs and set back afterwards. What was there before is
/// in `vrrpd.settings` under the run directory, so that it outlives the process.
class SettingsKeeper {
 public:
  SettingsKeeper(netlink::Socket& kernel, Host& host, const std::filesystem::path& run_dir);

  /// `own`: links that go with us and need no setting back. `filter_by_link`: reverse path filtering of all links
  /// together would drop what comes to a virtual MAC, so each link gets it by itself (as keepalived does).
  void apply(SettingsPlan plan, const std::set<std::string>& own, bool filter_by_link);

 private:
  void plan_reverse_path_filter(SettingsPlan& plan, const std::set<std::string>& own);
  void raise(const std::string& interface, const std::map<std::string, std::uint32_t>& least, bool own);
  void restore(const SettingsPlan& plan);
  void save() const;
  std::map<std::string, std::uint32_t> read(const std::string& interface);
  Result<> write(const std::string& interface, const std::map<std::string, std::uint32_t>& values);

  netlink::Socket& kernel_;
  Host& host_;
  std::filesystem::path file_;
  SettingsPlan before_;  ///< as it was, of what is raised
  bool told_ = false;    ///< that reverse path filtering cannot be moved
};

}  // namespace ballast::vrrpd
