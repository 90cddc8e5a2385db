#include "common/config/model.hpp"

// The functions are declared in the header, so the bodies of NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE stand here without
// `inline`.
#define BALLAST_FIELDS(Type, ...)                                                \
  void to_json(nlohmann::json& nlohmann_json_j, const Type& nlohmann_json_t) {   \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))     \
  }                                                                              \
  void from_json(const nlohmann::json& nlohmann_json_j, Type& nlohmann_json_t) { \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM, __VA_ARGS__))   \
  }

namespace ballast::config {

// One list of fields a struct; nlohmann's at() names the field that is missing.
BALLAST_FIELDS(LvsTimeouts, tcp, tcp_fin, udp)
BALLAST_FIELDS(SyncDaemon, interface, instance, id, maxlen, port, ttl, group)
BALLAST_FIELDS(Command, words, user, group)
BALLAST_FIELDS(Notify, master, backup, fault, stop, deleted, any, lower_priority, says_deleted, priority_changes, mail)
BALLAST_FIELDS(NotifyFifo, path, user, group, reader)
BALLAST_FIELDS(Mail, to, from, server, port, helo, timeout, faults, checkers)
BALLAST_FIELDS(Webhook, url, header_file, ca_file, kinds, timeout, tries, verify)
BALLAST_FIELDS(NodeScripts, fifo, vrrp_fifo, lvs_fifo, webhooks, startup, shutdown, startup_timeout, shutdown_timeout,
               initial_servers)
BALLAST_FIELDS(Global, router_id, script_user, enable_script_security, lb_engine, lb_interfaces, xdp_mode,
               connection_table_size, lvs_timeouts, sync_daemon, expire_nodest, sloppy_tcp, vrrp_delay_after_boot,
               vrrp_startup_delay, firewall, vmac_prefix, vmac_addr_prefix, scripts, mail)
BALLAST_FIELDS(VirtualAddress, prefix, interface, label, scope, broadcast, options)
BALLAST_FIELDS(TrackInterface, interface, weight, reverse)
BALLAST_FIELDS(Announce, delay, repeat, refresh, refresh_repeat, lower_prio_delay, lower_prio_repeat, garp_interval,
               gna_interval, extra_interval, extra_all)
BALLAST_FIELDS(Election, down_timer_adverts, lower_prio_no_advert, higher_prio_send_advert, strict, skip_check_adv_addr)
BALLAST_FIELDS(UnicastPeer, address, min_ttl, max_ttl)
BALLAST_FIELDS(Secret, text)
BALLAST_FIELDS(HmacKey, id, bytes)
BALLAST_FIELDS(AuthHmac, keys, active_key, anti_replay, time_window, mode)
BALLAST_FIELDS(VrrpScript, name, command, interval, timeout, rise, fall, weight, reverse, init_fail)
BALLAST_FIELDS(Track, kind, name, weight, reverse)
BALLAST_FIELDS(TrackedFile, name, path, initial, overwrite)
BALLAST_FIELDS(TrackedProcess, name, words, full_command, arguments, quorum, quorum_max, fork_delay, terminate_delay)
BALLAST_FIELDS(TrackedRoute, name, destination, gateway)
BALLAST_FIELDS(TrackedGateway, name, address, interface)
BALLAST_FIELDS(Tracking, files, processes, routes, gateways)
BALLAST_FIELDS(VrrpInstance, name, interface, virtual_router_id, priority, advert_interval, version, family,
               initial_state, preempt, preempt_delay, source, unicast_peers, unicast_ttl, check_unicast_source,
               heartbeat_interfaces, v3_checksum_as_v2, accept, virtual_addresses, virtual_addresses_excluded,
               track_interfaces, tracks, announce, election, auth_pass, auth_hmac, kernel, notify, description)
BALLAST_FIELDS(VrrpSyncGroup, name, members, track_interfaces, tracks, notify)
BALLAST_FIELDS(StatusRange, first, last)
BALLAST_FIELDS(BodyRegex, pattern, options, must_not_match, min_offset, max_offset)
BALLAST_FIELDS(HttpUrl, path, status, digest, virtualhost, regex)
BALLAST_FIELDS(HttpCheck, version, virtualhost, fast_recovery, urls)
BALLAST_FIELDS(TlsClient, sni, server_name, verify, ca_file, certificate, key, expiry_warning)
BALLAST_FIELDS(SmtpCheck, helo_name)
BALLAST_FIELDS(DnsCheck, type, name)
BALLAST_FIELDS(UdpCheck, payload, require_reply, reply, min_reply, max_reply)
BALLAST_FIELDS(MiscCheck, command, timeout, dynamic)
BALLAST_FIELDS(FileCheck, name, path, weight, reverse, dynamic)
BALLAST_FIELDS(AgentCheck, send)
BALLAST_FIELDS(GrpcCheck, service, authority)

namespace {

template <class Part>
void put(nlohmann::json& json, const char* name, const Boxed<Part>& part) {
  if (part) json[name] = *part;
}
template <class Part>
void take(const nlohmann::json& json, const char* name, Boxed<Part>& part) {
  if (const auto found = json.find(name); found != json.end() && !found->is_null()) part = found->template get<Part>();
}

#define BALLAST_CHECK_FIELDS                                                                                        \
  kind, target, bind, bind_interface, fwmark, delay_loop, connect_timeout, retry, delay_before_retry, rise, warmup, \
      alpha, log_all

/// Every kind's parts, and what to do with each.
template <class TheCheck, class Action>
void for_each_part(TheCheck& check, Action action) {
  action("http", check.http);
  action("tls", check.tls);
  action("smtp", check.smtp);
  action("dns", check.dns);
  action("udp", check.udp);
  action("misc", check.misc);
  action("file", check.file);
  action("agent", check.agent);
  action("grpc", check.grpc);
}

}  // namespace

// Parts that are not there are left out: there may be hundreds of thousands of checks.
void to_json(nlohmann::json& nlohmann_json_j, const Check& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, BALLAST_CHECK_FIELDS))
  for_each_part(nlohmann_json_t, [&](const char* name, const auto& part) { put(nlohmann_json_j, name, part); });
}
void from_json(const nlohmann::json& nlohmann_json_j, Check& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM, BALLAST_CHECK_FIELDS))
  for_each_part(nlohmann_json_t, [&](const char* name, auto& part) { take(nlohmann_json_j, name, part); });
}

BALLAST_FIELDS(Tunnel, type, port, checksum)
BALLAST_FIELDS(RealServer, endpoint, weight, method, tunnel, upper_threshold, lower_threshold, inhibit_on_failure,
               any_check, checks, notify_up, notify_down, mail)
BALLAST_FIELDS(SourceQuery, kind, name, port, nameservers, endpoints, ca_file, interval, most)
BALLAST_FIELDS(FoundServer, endpoint, weight)
BALLAST_FIELDS(ServerSource, query, like)
BALLAST_FIELDS(PassiveCheck, failures, ratio, clients, most_down, interval, hold)
BALLAST_FIELDS(SorryServer, endpoint, method, tunnel, inhibit)
BALLAST_FIELDS(VirtualServer, name, endpoints, fwmarks, family, protocol, engine, method, tunnel, local_addresses,
               client_address, scheduler, hash_port, hash_fallback, third_flag, persistence_timeout,
               persistence_prefix4, persistence_prefix6, persistence_engine, one_packet, expire_nodest, sloppy_tcp,
               alpha, omega, quorum, hysteresis, quorum_up, quorum_down, mail, sorry_server, when_all_down, slow_start,
               ha_suspend, passive_check, timeouts, real_servers, sources)
BALLAST_FIELDS(StaticObjects, addresses, routes, rules, groups)
BALLAST_FIELDS(Model, global, statics, vrrp_scripts, tracking, vrrp_instances, vrrp_sync_groups, virtual_servers)

}  // namespace ballast::config
