#include "daemons/vrrpd/shell/settings_keeper.hpp"

#include <linux/ip.h>

#include <array>
#include <fstream>

#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

constexpr std::array numbers{std::pair{std::string_view{"arp_ignore"}, IPV4_DEVCONF_ARP_IGNORE},
                             std::pair{std::string_view{"arp_filter"}, IPV4_DEVCONF_ARPFILTER},
                             std::pair{std::string_view{"arp_announce"}, IPV4_DEVCONF_ARP_ANNOUNCE},
                             std::pair{std::string_view{"accept_local"}, IPV4_DEVCONF_ACCEPT_LOCAL},
                             std::pair{std::string_view{"promote_secondaries"}, IPV4_DEVCONF_PROMOTE_SECONDARIES},
                             std::pair{std::string_view{"rp_filter"}, IPV4_DEVCONF_RP_FILTER}};
constexpr auto reverse_path = "rp_filter";

/// Of all links and of those to come: no links, and only to be had under /proc.
bool is_common(const std::string& interface) { return interface == "all" || interface == "default"; }

std::string proc_file(const std::string& interface) {
  return fmt::format("/proc/sys/net/ipv4/conf/{}/{}", interface, reverse_path);
}

}  // namespace

SettingsKeeper::SettingsKeeper(netlink::Socket& kernel, Host& host, const std::filesystem::path& run_dir)
    : kernel_{kernel}, host_{host}, file_{run_dir / "vrrpd.settings"} {
  const auto json = runtime::read_json(file_);
  if (!json) return;
  try {
    before_ = json->get<SettingsPlan>();
  } catch (const nlohmann::json::exception& exception) {
    log::warning("{}: {}: settings of links are not set back", file_.string(), exception.what());
  }
}

void SettingsKeeper::apply(SettingsPlan plan, const std::set<std::string>& own, bool filter_by_link) {
  if (filter_by_link) plan_reverse_path_filter(plan, own);
  for (const auto& [interface, least] : plan) raise(interface, least, own.contains(interface));
  restore(plan);
}

void SettingsKeeper::plan_reverse_path_filter(SettingsPlan& plan, const std::set<std::string>& own) {
  const auto known = before_.find("all");
  const auto now = read("all");
  const auto level = known != before_.end()       ? known->second.at(reverse_path)
                     : now.contains(reverse_path) ? now.at(reverse_path)
                                                  : 0;
  if (level == 0) return;
  for (const auto& name : host_.link_names()) {
    if (!own.contains(name)) plan[name][reverse_path] = level;
  }
  plan["default"][reverse_path] = level;
  plan["all"][reverse_path] = 0;
}

void SettingsKeeper::raise(const std::string& interface, const std::map<std::string, std::uint32_t>& least, bool own) {
  std::map<std::string, std::uint32_t> wanted;
  const auto now = read(interface);
  for (const auto& [name, value] : least) {
    const auto there = now.find(name);
    if (there == now.end() || (interface == "all" ? there->second == value : there->second >= value)) continue;
    wanted[name] = value;
    if (!own) before_[interface].try_emplace(name, there->second);
  }
  if (wanted.empty()) return;
  if (!own) save();  // before the change: a crash in between sets back what was not changed, which is nothing
  const auto done = write(interface, wanted);
  if (done) return;
  if (!is_common(interface)) return log::error("{}", done.error().message);
  before_.erase(interface);
  if (!std::exchange(told_, true)) {
    log::warning("{}: set net.ipv4.conf.all.rp_filter to 0, or packets to virtual MACs may be dropped",
                 done.error().message);
  }
}

void SettingsKeeper::restore(const SettingsPlan& plan) {
  bool changed = false;
  for (auto entry = before_.begin(); entry != before_.end();) {
    auto& [interface, values] = *entry;
    const auto wanted = plan.find(interface);
    std::map<std::string, std::uint32_t> back;
    std::erase_if(values, [&](const auto& value) {
      if (wanted != plan.end() && wanted->second.contains(value.first)) return false;
      back.insert(value);
      return true;
    });
    if (!back.empty()) {
      changed = true;
      if (const auto done = write(interface, back); !done) log::error("{}", done.error().message);
    }
    entry = values.empty() ? before_.erase(entry) : std::next(entry);
  }
  if (changed) save();
}

void SettingsKeeper::save() const {
  if (before_.empty()) {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  } else if (const auto done = runtime::write_json(file_, before_, runtime::Durability::until_reboot); !done) {
    log::error("{}", done.error().message);
  }
}

std::map<std::string, std::uint32_t> SettingsKeeper::read(const std::string& interface) {
  std::map<std::string, std::uint32_t> values;
  if (is_common(interface)) {
    std::ifstream file{proc_file(interface)};
    if (std::uint32_t value = 0; file >> value) values[reverse_path] = value;
    return values;
  }
  const auto* link = host_.link(interface);
  if (link == nullptr) return values;
  const auto settings = kernel_.ipv4_settings(link->index);
  if (!settings) return values;
  for (const auto& [name, number] : numbers) {
    const auto found = settings->find(static_cast<std::uint16_t>(number));
    if (found != settings->end()) values[std::string{name}] = found->second;
  }
  return values;
}

Result<> SettingsKeeper::write(const std::string& interface, const std::map<std::string, std::uint32_t>& values) {
  if (is_common(interface)) {
    std::ofstream file{proc_file(interface)};
    file << values.at(reverse_path) << std::flush;
    if (file) return {};
    return fail("cannot write {}", proc_file(interface));
  }
  const auto* link = host_.link(interface);
  if (link == nullptr) return {};
  netlink::Ipv4Settings settings;
  for (const auto& [name, number] : numbers) {
    if (const auto found = values.find(std::string{name}); found != values.end())
      settings[static_cast<std::uint16_t>(number)] = found->second;
  }
  return kernel_.set_ipv4_settings(link->index, settings);
}

}  // namespace ballast::vrrpd
