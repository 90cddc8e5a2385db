#pragma once
#include <map>
#include <set>
#include <string>

#include "common/config/model.hpp"
#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/shell/host.hpp"

namespace ballast::vrrpd {

/// The links of virtual MACs: made, adopted from the process before, put back, and removed. They carry an alias by
/// which they are known as ours.
class VmacKeeper {
 public:
  VmacKeeper(netlink::Socket& kernel, Host& host) : kernel_{kernel}, host_{host} {}

  /// This link was of the configuration before: `sweep` may remove it.
  void know(const std::string& name) { known_.insert(name); }
  /// Makes those that are missing; true if a link was made or changed. What could not be is in `faults`.
  bool make(const std::map<std::string, config::Vmac>& wanted);
  /// Removes known ones that are not wanted.
  void sweep(const std::map<std::string, config::Vmac>& wanted);
  /// By link: why it is not there.
  [[nodiscard]] const std::map<std::string, std::string>& faults() const { return faults_; }

 private:
  Result<bool> make(const config::Vmac& vmac);
  Result<> create(const config::Vmac& vmac, int base);

  netlink::Socket& kernel_;
  Host& host_;
  std::set<std::string> known_;
  std::map<std::string, std::string> faults_;
};

}  // namespace ballast::vrrpd
