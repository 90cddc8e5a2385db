#include "tools/realserver/settings.hpp"

#include <algorithm>

namespace ballast::realserver {
namespace {

constexpr int arp_ignore_elsewhere = 1;
constexpr int arp_announce_best = 2;
constexpr int rp_filter_strict = 1;
constexpr int rp_filter_loose = 2;

std::string name_of(const std::string& interface, const char* setting) {
  return fmt::format("net/ipv4/conf/{}/{}", interface, setting);
}

/// 1, 2, 3 (our VIPs have host scope) and 8 keep quiet about a VIP on lo; the others do not, or mean nothing.
bool keeps_quiet(int arp_ignore) { return (arp_ignore >= 1 && arp_ignore <= 3) || arp_ignore == 8; }

bool concerns_ipv4(const Wanted& wanted) {
  return wanted.mode != Mode::fnat && std::ranges::any_of(wanted.vips, &net::IpAddress::is_v4);
}

std::vector<std::string> all_and_interfaces(const Wanted& wanted) {
  std::vector<std::string> names{"all"};
  names.insert(names.end(), wanted.interfaces.begin(), wanted.interfaces.end());
  return names;
}

}  // namespace

std::vector<std::string> setting_names(const Wanted& wanted) {
  std::vector<std::string> names;
  if (!concerns_ipv4(wanted)) return names;
  for (const auto& interface : all_and_interfaces(wanted)) {
    for (const auto* setting : {"arp_ignore", "arp_announce", "rp_filter"})
      names.push_back(name_of(interface, setting));
  }
  return names;
}

std::vector<Requirement> requirements(const Wanted& wanted, const std::map<std::string, int>& settings) {
  std::vector<Requirement> needed;
  if (!concerns_ipv4(wanted)) return needed;
  const auto ask = [&](const std::string& name, int value, auto is_met) {
    const auto found = settings.find(name);
    if (found != settings.end()) needed.push_back({name, value, is_met(found->second), found->second});
  };
  for (const auto& interface : all_and_interfaces(wanted)) {
    ask(name_of(interface, "arp_ignore"), arp_ignore_elsewhere, keeps_quiet);
    ask(name_of(interface, "arp_announce"), arp_announce_best, [](int now) { return now == arp_announce_best; });
  }
  // The kernel takes the larger of `all` and the interface's own.
  const auto for_all = settings.find(name_of("all", "rp_filter"));
  const int least = for_all == settings.end() ? 0 : for_all->second;
  for (const auto& interface : wanted.interfaces) {
    ask(name_of(interface, "rp_filter"), rp_filter_loose,
        [&](int now) { return std::max(now, least) != rp_filter_strict; });
  }
  return needed;
}

}  // namespace ballast::realserver
