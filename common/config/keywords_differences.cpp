// Where a keyword of keepalived.conf(5) does here something else, or more; and which keywords are ours alone.
#include <algorithm>

#include "common/config/keywords.hpp"

namespace ballast::config {
namespace {

using enum Context;

std::vector<Difference> outer_differences() {
  return {
      {top, "virtual_server",
       "by `lb_engine xdp` unless only IPVS can do it (`fwmark`, SCTP, `persistence_engine`) or `lb_engine ipvs` is "
       "written. Two services of one address, port and protocol are an error"},
      {top, "vrrp_instance",
       "a name or a VRID (of one interface and family) that is used twice is an error. An instance without addresses "
       "is a warning"},
      {top, "vrrp_track_process", "found by looking through /proc where the kernel's process events are not allowed"},
      {global_defs, "script_user", "without it: keepalived_script if that user exists, else nobody, never root"},
      {global_defs, "enable_script_security",
       "without it a program of root's that others may write is a warning, and runs"},
      {global_defs, "startup_script shutdown_script", "run by scriptd"},
      {global_defs, "notification_email", "an account without a domain is left out with a warning"},
      {global_defs, "smtp_server",
       "mails are sent by a program of its own, again when it was refused for now; a server that is slow holds nothing "
       "up"},
      {global_defs, "nftables", "default table ballast_vrrp; it does what vrrp_iptables and vrrp_ipsets do, too"},
      {global_defs, "nftables_ifindex", "taken and not needed: interfaces are matched by name in any case"},
      {global_defs, "lvs_sync_daemon",
       "the number of an instance that no other has is the id where none is written; both daemons run where no "
       "instance "
       "is named"},
      {global_defs, "lvs_timeouts", "of our own data path, too; fractions of a second are possible"},
      {global_defs, "vrrp_version", "3 means RFC 9568"},
      {global_defs, "vrrp_strict", "what it forbids is an error of the file, not a warning at the start"}};
}

std::vector<Difference> vrrp_differences() {
  return {
      {vrrp_instance, "use_vmac",
       "the base interface's and the device's settings of ARP and rp_filter are set back at the end"},
      {vrrp_instance, "no_accept", "by nf_tables"},
      {vrrp_instance, "virtual_ipaddress virtual_ipaddress_excluded",
       "an IPv6 address is deprecated unless preferred_lft says otherwise (keepalived: only a /128). An address that "
       "is "
       "deleted comes back"},
      {vrrp_instance, "virtual_routes virtual_rules", "a route or rule that is deleted comes back, unless no_track"},
      {vrrp_instance, "notify notify_master notify_backup notify_fault notify_stop",
       "run in order, one at a time for an instance, each with a time limit; states that are over by then are passed "
       "over"},
      {vrrp_instance, "authentication", "auth_hmac is the one that helps; see there"},
      {authentication, "auth_type", "AH is ignored with a warning"},
      {track_process, "weight", "default 0 (keepalived: 1)"},
      {vrrp_sync_group, "global_tracking sync_group_tracking_weight",
       "taken and not needed: what a group tracks is all its members', and weights of members may differ"}};
}

std::vector<Difference> service_differences() {
  return {
      {virtual_server, "protocol", "default TCP, with a warning (keepalived: UDP)"},
      {virtual_server, "lvs_sched", "p2c (the better of two) besides; fo, ovf, lblc and lblcr are as in IPVS"},
      {virtual_server, "lvs_method", "FNAT besides"},
      {virtual_server, "real_server",
       "one of the other address family needs TUN, or FNAT from IPv6 to IPv4; else it is an error"},
      {virtual_server, "inhibit_on_failure",
       "of TCP it is always so unless `expire_nodest` is written: connections of a failed server are sent on to it"},
      {virtual_server, "quorum_up quorum_down", "run by scriptd as script_user, in order"},
      {virtual_server, "hysteresis", "one that reaches quorum is lowered with a warning"},
      {real_server, "weight", "0 to 65535"},
      {real_server, "notify_up notify_down", "run by scriptd as script_user, in order"}};
}

std::vector<Difference> check_differences() {
  std::vector<Difference> all{
      {real_server, "TCP_CHECK HTTP_GET SSL_GET SMTP_CHECK DNS_CHECK UDP_CHECK PING_CHECK",
       "equal checks of one place are one probe, however many services use them"},
      {real_server, "MISC_CHECK", "runs in scriptd, without a shell"},
      {http_get, "fast_recovery", "always so: after a failure the urls are probed without delay_loop between them"},
      {ssl_get, "fast_recovery", "always so: after a failure the urls are probed without delay_loop between them"},
      {http_get, "http_protocol", "2 besides"},
      {ssl_get, "http_protocol", "2 besides"},
      {url, "regex_stack", "taken and not needed: the time and the memory of a search are bounded"},
      {smtp_check, "host", "each host is a check of its own, and all must pass"},
      {misc_check, "misc_timeout", "default delay_loop; then the program and what it started are killed"},
      {ping_check, "connect_timeout", "no sysctl is changed"},
      {file_check, "dynamic", "keepalived 2.2.7 has it in its manual and refuses it"}};
  return all;
}

/// Names that keepalived does not have in that context.
std::vector<Difference> own_keywords() {
  constexpr std::string_view counts = "fall nb_get_retry rise";
  constexpr std::string_view tls = "tls_ca_file tls_certificate tls_expiry_warning tls_key tls_server_name tls_verify";
  std::vector<Difference> all{
      {top, "amend local_address_group", ""},
      {global_defs,
       "connection_table_size email_faults expire_nodest lb_engine lb_interfaces sloppy_tcp vrrp_delay_after_boot "
       "webhook "
       "xdp_mode",
       ""},
      {vrrp_instance,
       "auth_hmac description garp_interval gna_interval heartbeat_interface track_gateway track_route track_service "
       "v3_checksum_as_v2",
       ""},
      {vrrp_sync_group, "track_gateway track_route track_service", ""},
      {virtual_server,
       "client_address expire_nodest fall laddr_group_name lb_engine log_all_failures lvs_timeouts nb_get_retry "
       "passive_check real_servers_from rise sloppy_tcp slow_start when_all_down",
       ""},
      {real_server, "AGENT_CHECK GRPC_CHECK any_check fall log_all_failures nb_get_retry rise", ""},
      {smtp_check, "tls enable_sni", ""},
      {misc_check, "connect_timeout", ""},
      {file_check, "alpha connect_timeout delay_before_retry delay_loop log_all_failures retry warmup", ""},
      {ssl_get, tls, ""},
      {smtp_check, tls, ""}};
  for (const auto context : {tcp_check, smtp_check, dns_check, udp_check, ping_check, misc_check, file_check})
    all.push_back({context, counts, ""});
  for (const auto context : {http_get, ssl_get}) all.push_back({context, "fall rise", ""});
  return all;
}

bool names(const Difference& difference, Context context, std::string_view name) {
  if (difference.context != context) return false;
  const auto words = cut_words(difference.names);
  return std::ranges::find(words, name) != words.end();
}

/// Blocks that keepalived does not have, with all that stands in them.
bool is_our_own(Context context) {
  switch (context) {
    case amend:
    case auth_hmac:
    case real_servers_from:
    case passive_check:
    case agent_check:
    case grpc_check:
    case webhook:
      return true;
    default:
      return false;
  }
}

const std::vector<Difference>& own() {
  static const auto all = own_keywords();
  return all;
}

}  // namespace

const std::vector<Difference>& differences() {
  static const auto all = [] {
    auto made = outer_differences();
    for (const auto& more : {vrrp_differences(), service_differences(), check_differences()})
      made.insert(made.end(), more.begin(), more.end());
    return made;
  }();
  return all;
}

std::string_view difference_of(Context context, std::string_view name) {
  const auto& all = differences();
  const auto found = std::ranges::find_if(all, [&](const auto& each) { return names(each, context, name); });
  return found == all.end() ? std::string_view{} : found->text;
}

bool is_our_own(Context context, std::string_view name) {
  return is_our_own(context) ||
         std::ranges::any_of(own(), [&](const auto& each) { return names(each, context, name); });
}

}  // namespace ballast::config
