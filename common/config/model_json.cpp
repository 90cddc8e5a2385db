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
BALLAST_FIELDS(Command, words, user, group)
BALLAST_FIELDS(Notify, master, backup, fault, stop, deleted, any, lower_priority, says_deleted, priority_changes, mail)
BALLAST_FIELDS(NotifyFifo, path, user, group, reader)
BALLAST_FIELDS(Mail, to, from, server, port, helo, timeout, faults)
BALLAST_FIELDS(NodeScripts, fifo, vrrp_fifo, startup, shutdown, startup_timeout, shutdown_timeout)
BALLAST_FIELDS(Global, router_id, script_user, enable_script_security, lb_engine, lb_interfaces, xdp_mode,
               connection_table_size, lvs_timeouts, expire_nodest, sloppy_tcp, vrrp_delay_after_boot,
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
BALLAST_FIELDS(HttpUrl, path, status, digest, virtualhost)
BALLAST_FIELDS(Check, kind, target, bind, delay_loop, connect_timeout, retry, delay_before_retry, warmup, alpha,
               virtualhost, urls)
BALLAST_FIELDS(Tunnel, type, port, checksum)
BALLAST_FIELDS(RealServer, endpoint, weight, method, tunnel, upper_threshold, lower_threshold, inhibit_on_failure,
               checks)
BALLAST_FIELDS(SorryServer, endpoint, method, tunnel)
BALLAST_FIELDS(VirtualServer, name, endpoints, protocol, engine, method, tunnel, local_addresses, client_address,
               scheduler, hash_port, hash_fallback, persistence_timeout, persistence_prefix4, persistence_prefix6,
               one_packet, expire_nodest, sloppy_tcp, alpha, omega, quorum, hysteresis, sorry_server, timeouts,
               real_servers)
BALLAST_FIELDS(StaticObjects, addresses, routes, rules, groups)
BALLAST_FIELDS(Model, global, statics, vrrp_scripts, tracking, vrrp_instances, vrrp_sync_groups, virtual_servers)

}  // namespace ballast::config
