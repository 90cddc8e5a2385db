#include "common/config/print_kernel.hpp"

#include <algorithm>

namespace ballast::config {

std::string options_of(const AddressOptions& options, const std::string& vmac) {
  std::string out;
  // The length that a peer's network has is that of the prefix.
  if (options.preferred && *options.preferred == forever) out += " preferred_lft forever";
  if (options.preferred && *options.preferred != forever) out += fmt::format(" preferred_lft {}", *options.preferred);
  if (options.home) out += " home";
  if (options.detect_duplicates) out += " -nodad";
  if (options.temporaries) out += " mngtmpaddr";
  if (options.no_prefix_route) out += " noprefixroute";
  if (options.join) out += " autojoin";
  if (!options.track) out += " no_track";
  if (!options.vmac.empty() && options.vmac != vmac) out += " use_vmac";
  if (!options.group.empty()) out += " track_group " + options.group;
  return out;
}

std::vector<std::string> lines_of(const KernelObjects& kernel) {
  std::vector<std::string> lines;
  const auto own = std::ranges::find(kernel.vmacs, kernel.vmac, &Vmac::name);
  if (!kernel.vmac.empty() && own != kernel.vmacs.end()) {
    const auto group = own->link_group ? fmt::format(" group {}", *own->link_group) : std::string{};
    lines.push_back(fmt::format("use_vmac name {} {}{}", own->name, own->mac, group));
  }
  if (kernel.transmit_from_base) lines.emplace_back("vmac_xmit_base");
  if (!kernel.track_primary) lines.emplace_back("dont_track_primary");
  if (kernel.track_source) lines.emplace_back("track_src_ip");
  if (kernel.promote_secondaries) lines.emplace_back("promote_secondaries");
  return lines;
}

std::vector<std::string> kernel_lines_of(const Global& global) {
  const Global defaults;
  std::vector<std::string> lines;
  if (global.firewall.table != defaults.firewall.table) lines.push_back("nftables " + global.firewall.table);
  if (global.firewall.priority != defaults.firewall.priority)
    lines.push_back(fmt::format("nftables_priority {}", global.firewall.priority));
  if (global.firewall.counters) lines.emplace_back("nftables_counters");
  if (global.vmac_prefix != defaults.vmac_prefix) lines.push_back("vmac_prefix " + global.vmac_prefix);
  if (!global.vmac_addr_prefix.empty()) lines.push_back("vmac_addr_prefix " + global.vmac_addr_prefix);
  return lines;
}

}  // namespace ballast::config
