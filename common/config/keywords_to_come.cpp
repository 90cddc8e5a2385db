// What keepalived.conf(5) has and Ballast will have. A file that uses one of these loads, with a warning by name.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "common/config/keywords.hpp"

namespace ballast::config {
namespace {

struct ToCome {
  Context context;
  std::string_view names;  ///< parted by blanks
};

constexpr std::string_view check_names = "BFD_CHECK";

constexpr std::array to_come{
    ToCome{Context::top,
           "bfd_instance garp_group "
           ""
           "linkbeat_interfaces linkbeat_use_polling interface_up_down_delays net_namespace "
           "net_namespace_ipvs namespace_with_ipsets instance use_pid_dir child_wait_time include_check"},
    ToCome{Context::global_defs,
           "vrrp_mcast_group4 vrrp_mcast_group6 "
           "lvs_sync_daemon lvs_flush "
           "lvs_flush_on_stop lvs_flush_onstop "
           "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark vrrp_iptables vrrp_ipsets "
           "iptables ipsets disable_local_igmp "
           "max_auto_priority min_auto_priority_delay vrrp_priority checker_priority "
           "bfd_priority vrrp_no_swap checker_no_swap bfd_no_swap vrrp_cpu_affinity checker_cpu_affinity "
           "bfd_cpu_affinity vrrp_rt_priority checker_rt_priority bfd_rt_priority vrrp_rlimit_rttime "
           "checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime snmp_socket "
           "enable_snmp_keepalived "
           "enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_traps "
           "enable_dbus dbus_service_name dbus_no_interface_name "
           "fifo_write_vrrp_states_on_reload "
           "dynamic_interfaces vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs "
           "vrrp_netlink_monitor_rcv_bufs_force lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force "
           "lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs "
           "process_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier umask "
           "log_unknown_vrids random_seed "
           "reload_check_config include_check reload_time_file reload_repeat reload_file data_use_instance "
           "tmp_config_directory config_save_dir process_names process_name vrrp_process_name checker_process_name "
           "bfd_process_name "
           "linkbeat_use_polling linkbeat_interfaces net_namespace net_namespace_ipvs namespace_with_ipsets instance "
           "use_pid_dir child_wait_time use_symlink_paths state_dump_file json_version lvs_flush_on_start "
           "script_security"},
    ToCome{Context::vrrp_instance,
           "vrf use_ipvlan "
           "track_bfd mcast_dst_ip unicast_fault_no_peer old_unicast_checksum debug kernel_rx_buf_size "
           "linkbeat_use_polling lvs_sync_daemon_interface "
           "lvs_sync_daemon"},
    ToCome{Context::vrrp_sync_group, "track_bfd notify_priority_changes"},
    ToCome{Context::virtual_server,
           "persistence_engine snmp_name ip_family "
           "syn_proxy nat_mask"},
    ToCome{Context::real_server, "snmp_name"},
    ToCome{Context::real_server, check_names},
    ToCome{Context::real_servers_from, check_names},
    ToCome{Context::url, "tls_compliant"},
    ToCome{Context::ssl, "password"}};

/// What leaving a keyword out means, where that is more than a feature less.
constexpr std::array notes{
    pair{string_view{"use_ipvlan"}, string_view{"; use_vmac has a MAC of its own for the addresses"}},
    pair{string_view{"vrrp_iptables"}, string_view{"; Ballast keeps to nf_tables, see nftables"}},
    pair{string_view{"net_namespace"}, string_view{"; start Ballast within the namespace instead"}},
    pair{string_view{"instance"}, string_view{"; give each family its own --run-dir instead"}}};

std::vector<std::string_view> cut_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    if (blank > 0) words.push_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

}  // namespace

std::vector<std::string_view> keywords_to_come(Context context) {
  std::vector<std::string_view> names;
  for (const auto& entry : to_come) {
    if (entry.context != context) continue;
    for (const auto name : cut_words(entry.names)) names.push_back(name);
  }
  return names;
}

std::optional<std::string_view> keyword_to_come(Context context, std::string_view name) {
  static const auto known = [] {
    std::unordered_multimap<std::string_view, Context> all;
    for (const auto& entry : to_come) {
      for (const auto word : cut_words(entry.names)) all.emplace(word, entry.context);
    }
    return all;
  }();
  const auto [begin, end] = known.equal_range(name);
  if (std::none_of(begin, end, [&](const auto& entry) { return entry.second == context; })) return std::nullopt;
  const auto note = std::ranges::find(notes, name, &pair<string_view, string_view>::first);
  return note == notes.end() ? string_view{} : note->second;
}

bool is_checker_to_come(std::string_view name) {
  const auto names = cut_words(check_names);
  return std::ranges::find(names, name) != names.end();
}

}  // namespace ballast::config
