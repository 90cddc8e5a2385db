#pragma once
#include <set>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "daemons/vrrpd/shell/host.hpp"

namespace ballast::vrrpd {

/// Every virtual address of an instance, the excluded ones too.
std::vector<config::VirtualAddress> all_addresses(const config::VrrpInstance& instance);

/// Those that are put back when somebody removes them.
std::vector<config::VirtualAddress> tracked_addresses(const config::VrrpInstance& instance);

/// That address as the kernel should have it, with Ballast's mark.
netlink::Address to_kernel(const config::VirtualAddress& address, int link);

/// Makes the virtual addresses on the interfaces match what the roles want. Touches only addresses that it was told
/// about.
class AddressKeeper {
 public:
  explicit AddressKeeper(Host& host) : host_{host} {}

  /// These are ours: of the configuration, or left by the process before. `sweep` may remove them.
  void know(const std::vector<config::VirtualAddress>& addresses);
  /// Adds those that are missing; which they were, in words ("10.0.0.100/24 on eth0").
  std::vector<std::string> put(const std::vector<config::VirtualAddress>& addresses);
  /// Removes those that carry our mark.
  void take(const std::vector<config::VirtualAddress>& addresses);
  /// Removes all known addresses that carry our mark and are on no list of `put`.
  void sweep();
  /// An address that `put` wants to be there.
  [[nodiscard]] bool wants(const netlink::Address& address) const;

 private:
  Host& host_;
  std::set<std::pair<std::string, net::Prefix>> known_;
  std::set<Host::AddressKey> wanted_;
};

}  // namespace ballast::vrrpd
