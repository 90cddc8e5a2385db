// What keepalived.conf(5) has and Ballast does not do. A file that uses one of these loads, with a warning by name that
// says why, and what to do instead.
#include <algorithm>
#include <unordered_map>

#include "common/config/keywords.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view check_names = "BFD_CHECK";

constexpr std::string_view with_bfd = "BFD is still to come: nothing is tracked by it";
constexpr std::string_view metrics =
    "there is no SNMP agent: ballastctl status --json and the bus tell all of it, metrics come from ballast-statusd";
constexpr std::string_view unit_file_priority =
    "the unit files say it: Nice=, CPUSchedulingPolicy= and CPUSchedulingPriority= (systemctl edit vrrpd)";
constexpr std::string_view unit_file_affinity = "the unit files say it: CPUAffinity= (systemctl edit vrrpd)";
constexpr std::string_view unit_file_time = "the unit files say it: LimitRTTIME= (systemctl edit vrrpd)";
constexpr std::string_view unit_file_swap = "the unit files say it: MemorySwapMax= (systemctl edit vrrpd)";
constexpr std::string_view no_polling = "the kernel tells of a lost carrier by itself: no interface is polled";
constexpr std::string_view buffers =
    "an overrun of netlink is noticed, and what is there is read anew: no size has to be guessed";
constexpr std::string_view namespace_by_unit =
    "start Ballast within the namespace: NetworkNamespacePath= in the unit files, or ip netns exec";
constexpr std::string_view run_dir = "give each family a --run-dir of its own";
constexpr std::string_view process_names = "its processes are called ballastd, vrrpd, scriptd, checkd and forwardd";
constexpr std::string_view no_dbus =
    "there is no D-Bus interface: ballastctl events --follow --json and the FIFOs tell it";
constexpr std::string_view no_iptables = "Ballast keeps to nf_tables, see nftables";
constexpr std::string_view no_identification = "it is a name for SNMP: the service's or the server's own is told";
constexpr std::string_view whole_file = "ballastd alone reads the file, as a whole, and hands it to the others";

std::vector<Undone> outer_keywords() {
  using enum Context;
  using enum Fate;
  std::vector<Undone> all;
  const auto both = [&](std::string_view names, Fate fate, std::string_view reason) {
    all.push_back({top, names, fate, reason});
    all.push_back({global_defs, names, fate, reason});
  };
  both("net_namespace", never, namespace_by_unit);
  both("net_namespace_ipvs", never, namespace_by_unit);
  both("namespace_with_ipsets", never, "no ipset is used");
  both("instance", never, run_dir);
  both("use_pid_dir", never, "there are no files of process numbers: systemd knows the processes");
  both("child_wait_time", never, "the unit files say it: TimeoutStopSec=");
  both("linkbeat_interfaces linkbeat_use_polling", never, no_polling);
  both("include_check", later, "write includer, includem, includew, includeb or includea for what is to be checked");
  all.push_back({top, "bfd_instance", later, with_bfd});
  all.push_back(
      {top, "garp_group", later, "vrrp_garp_interval and vrrp_gna_interval count for each interface by itself"});
  all.push_back({top, "interface_up_down_delays", later, "an interface that goes down or comes up counts at once"});
  return all;
}

std::vector<Undone> global_keywords() {
  using enum Context;
  using enum Fate;
  std::vector<Undone> all;
  const auto add = [&](std::string_view names, Fate fate, std::string_view reason) {
    all.push_back({global_defs, names, fate, reason});
  };
  add("vrrp_mcast_group4 vrrp_mcast_group6", later,
      "advertisements go to 224.0.0.18 and ff02::12, as the RFC has it; unicast_peer is the other way");
  add("lvs_flush lvs_flush_on_start lvs_flush_on_stop lvs_flush_onstop", never,
      "IPVS is made to match the file at the start, other programs' services are left alone, and all goes on while "
      "forwardd is stopped: ballastctl engine unload ends it");
  add("nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark", never,
      "each address of a group is a service of its own in IPVS: no marks are needed");
  add("lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs "
      "lvs_netlink_monitor_rcv_bufs_force",
      never, buffers);
  add("vrrp_iptables vrrp_ipsets iptables ipsets", never, no_iptables);
  add("disable_local_igmp", never, "set sysctl net.ipv4.igmp_link_local_mcast_reports=0");
  add("max_auto_priority min_auto_priority_delay vrrp_priority checker_priority bfd_priority vrrp_rt_priority "
      "checker_rt_priority bfd_rt_priority",
      never, unit_file_priority);
  add("vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity", never, unit_file_affinity);
  add("vrrp_rlimit_rttime checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime "
      "bfd_rlimit_rtime",
      never, unit_file_time);
  add("vrrp_no_swap checker_no_swap bfd_no_swap", never, unit_file_swap);
  add("snmp_socket enable_snmp_keepalived enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 "
      "enable_snmp_rfcv3 enable_traps",
      never, metrics);
  add("enable_dbus dbus_service_name dbus_no_interface_name", never, no_dbus);
  add("fifo_write_vrrp_states_on_reload", later, "a FIFO tells of changes only; ballastctl status tells the states");
  add("dynamic_interfaces", never, "it is always so: interfaces may come and go, be deleted and made again");
  add("vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs "
      "vrrp_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force vrrp_rx_bufs_policy "
      "vrrp_rx_bufs_multiplier",
      never, buffers);
  add("umask", never, "the unit files say it: UMask=");
  add("log_unknown_vrids", never, "ballastctl doctor tells of virtual routers that are not ours");
  add("random_seed", later, "${_RANDOM} is another at each start");
  add("reload_check_config", never,
      "it is always so: a file with errors changes nothing; see ballastctl reload --dry-run");
  add("reload_time_file reload_repeat", never, "let a systemd timer run ballastctl reload");
  add("reload_file", never, "ballastctl reload ends when the file is read and in force");
  add("data_use_instance state_dump_file json_version", never,
      "ballastctl status --json tells the state, of each --run-dir");
  add("tmp_config_directory config_save_dir", never, whole_file);
  add("process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name", never,
      process_names);
  add("use_symlink_paths", never, "paths of programs are taken as they are written");
  add("script_security", later, "write enable_script_security");
  add("vrrp_vmac_garp_intvl", later, "write vrrp_garp_extra_if");
  return all;
}

std::vector<Undone> vrrp_keywords() {
  using enum Context;
  using enum Fate;
  return {{vrrp_instance, "vrf", later, "without an interface the routing table decides; start Ballast within the VRF"},
          {vrrp_instance, "use_ipvlan", later, "use_vmac has a MAC of its own for the addresses"},
          {vrrp_instance, "track_bfd", later, with_bfd},
          {vrrp_sync_group, "track_bfd", later, with_bfd},
          {vrrp_instance, "mcast_dst_ip", later,
           "advertisements go to 224.0.0.18 and ff02::12; unicast_peer is the other way"},
          {vrrp_instance, "unicast_fault_no_peer", later, "an instance without a unicast_peer speaks multicast"},
          {vrrp_instance, "old_unicast_checksum", never,
           "it is the checksum of keepalived before 1.3.6; for version 3 over IPv4 see v3_checksum_as_v2"},
          {vrrp_instance, "debug", never, "start vrrpd with --verbose"},
          {vrrp_instance, "kernel_rx_buf_size", never, buffers},
          {vrrp_instance, "linkbeat_use_polling", never, no_polling},
          {vrrp_instance, "lvs_sync_daemon_interface lvs_sync_daemon", later,
           "write lvs_sync_daemon INTERFACE INSTANCE in global_defs"},
          {vrrp_sync_group, "notify_deleted", later, "write it in the vrrp_instances of the group"},
          {vrrp_sync_group, "notify_priority_changes", later, "write it in the vrrp_instances of the group"}};
}

std::vector<Undone> service_keywords() {
  using enum Context;
  using enum Fate;
  return {{virtual_server, "snmp_name", never, no_identification},
          {virtual_server, "weight", later, "write it in each real_server"},
          {virtual_server, "syn_proxy nat_mask", later, "it is still to come"},
          {real_server, "snmp_name", never, no_identification},
          {real_server, check_names, later, with_bfd},
          {real_servers_from, check_names, later, with_bfd},
          {http_get, "enable_sni", never, "HTTP_GET speaks no TLS, write SSL_GET"},
          {smtp_host, "alpha connect_timeout delay_before_retry delay_loop log_all_failures retry warmup", later,
           "write it in the SMTP_CHECK itself"},
          {url, "tls_compliant", never, "how TLS ends is not looked at: the body is read to its length"},
          {ssl, "password", later, "the key must not be encrypted: openssl pkey -in KEY -out NEW decrypts it"}};
}

const std::unordered_multimap<std::string_view, const Undone*>& by_name() {
  static const auto known = [] {
    std::unordered_multimap<std::string_view, const Undone*> all;
    for (const auto& entry : undone_keywords()) {
      for (const auto word : cut_words(entry.names)) all.emplace(word, &entry);
    }
    return all;
  }();
  return known;
}

}  // namespace

std::vector<std::string_view> cut_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    if (blank > 0) words.push_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

const std::vector<Undone>& undone_keywords() {
  static const auto all = [] {
    auto made = outer_keywords();
    for (const auto& more : {global_keywords(), vrrp_keywords(), service_keywords()})
      made.insert(made.end(), more.begin(), more.end());
    return made;
  }();
  return all;
}

std::vector<std::string_view> keywords_undone(Context context) {
  std::vector<std::string_view> names;
  for (const auto& entry : undone_keywords()) {
    if (entry.context != context) continue;
    for (const auto name : cut_words(entry.names)) names.push_back(name);
  }
  return names;
}

const Undone* find_undone(Context context, std::string_view name) {
  const auto [begin, end] = by_name().equal_range(name);
  const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second->context == context; });
  return found == end ? nullptr : found->second;
}

std::string undone_text(std::string_view name, const Undone& undone) {
  return fmt::format("keyword '{}' of keepalived is {} and is ignored: {}", name,
                     undone.fate == Fate::later ? "not done yet" : "not needed", undone.reason);
}

bool is_checker_to_come(std::string_view name) {
  const auto names = cut_words(check_names);
  return std::ranges::find(names, name) != names.end();
}

}  // namespace ballast::config
