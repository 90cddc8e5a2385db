#pragma once
// What the text says, before defaults, groups and inheritance are resolved; every value knows where it was written.
#include <optional>
#include <string>
#include <vector>

#include "common/config/draft_kernel.hpp"
#include "common/config/draft_tracking.hpp"
#include "common/config/model.hpp"
#include "common/config/source.hpp"

namespace ballast::config {

/// persistence_timeout without a value, and that of a service of every port.
constexpr Duration default_persistence = 360s;

/// garp_* and gna_* of global_defs (vrrp_garp_*) or of one instance.
struct AnnounceDraft {
  std::optional<Duration> delay, refresh, lower_prio_delay, garp_interval, gna_interval, extra_interval;
  bool extra_all = false;
  std::optional<unsigned> repeat, refresh_repeat, lower_prio_repeat;
};

/// What global_defs (vrrp_*) and an instance may both say about elections.
struct ElectionDraft {
  std::optional<At<unsigned>> down_timer_adverts;
  std::optional<At<bool>> lower_prio_no_advert, higher_prio_send_advert, strict;
  std::optional<bool> skip_check_adv_addr;
};

struct LvsTimeoutsDraft {
  Position at;
  std::optional<Duration> tcp, tcp_fin, udp;
};

/// What a virtual_server, a real_server and a checker may all say; the innermost counts.
struct TimingDraft {
  std::optional<Duration> delay_loop, connect_timeout, delay_before_retry, warmup;
  std::optional<At<unsigned>> retry, fall;
  std::optional<unsigned> rise;
  std::optional<bool> alpha, inhibit_on_failure, log_all;
  std::optional<std::string> virtualhost;
};

struct AddressDraft {
  VirtualAddress address;
  Position at;
  std::optional<At<std::string>> interface;
};

enum class PasswordType : std::uint8_t { pass, ah };
constexpr auto enum_names(PasswordType*) {
  return std::array{pair{PasswordType::pass, string_view{"PASS"}}, pair{PasswordType::ah, string_view{"AH"}}};
}

/// The block `authentication`.
struct PasswordDraft {
  std::optional<Position> block;
  std::optional<At<PasswordType>> type;
  std::optional<At<std::string>> password;
};

/// The block `auth_hmac`.
struct HmacDraft {
  std::optional<Position> block;
  std::vector<At<HmacKey>> keys;
  std::optional<At<unsigned>> active_key;
  AntiReplay anti_replay = AntiReplay::time;
  std::optional<At<Duration>> time_window;
  HmacMode mode = HmacMode::enforce;
};

struct ScriptDraft {
  At<std::string> name;
  VrrpScript script;
};

struct NotifyDraft : Notify {
  std::optional<bool> own_priority_changes;
  std::optional<At<bool>> alert;
};

struct InstanceDraft {
  At<std::string> name;
  Position block;
  std::optional<At<std::string>> interface;
  std::optional<At<unsigned>> virtual_router_id;
  std::optional<At<unsigned>> priority;
  std::optional<At<Duration>> advert_interval;
  std::optional<At<unsigned>> version;
  std::optional<At<InitialState>> state;
  std::optional<Position> nopreempt;
  std::optional<At<Duration>> preempt_delay;
  std::optional<At<net::IpAddress>> multicast_source, unicast_source;
  std::vector<At<UnicastPeer>> peers;
  unsigned unicast_ttl = 255;
  std::optional<bool> check_unicast_source;
  std::vector<At<std::string>> heartbeats;
  PasswordDraft password;
  HmacDraft hmac;
  std::vector<AddressDraft> addresses, excluded;
  bool addresses_given = false;  ///< one was written at least, if a faulty one
  std::vector<At<TrackInterface>> tracked;
  std::vector<TrackDraft> tracks;
  AnnounceDraft announce;
  ElectionDraft election;
  bool checksum_as_v2 = false;
  bool native_ipv6 = false;
  std::optional<bool> accept;
  KernelDraft kernel;
  NotifyDraft notify;
  std::string description;
};

struct SyncGroupDraft {
  At<std::string> name;
  std::vector<At<std::string>> members;
  std::vector<At<TrackInterface>> tracked;
  std::vector<TrackDraft> tracks;
  NotifyDraft notify;
};

/// One record of a virtual_server_group: an address or a range of them, each with the port.
struct AddressRange {
  net::IpAddress first;
  std::uint32_t count = 1;
  std::optional<std::uint16_t> port;
};

struct AddressGroupDraft {
  At<std::string> name;
  std::vector<At<AddressRange>> ranges;
  std::vector<At<unsigned>> fwmarks;
};

/// Of one local_address_group: 66 million connections to each server. Every service has its group's addresses.
constexpr std::uint32_t most_local_addresses = 1'024;

struct LocalGroupDraft {
  At<std::string> name;
  std::vector<At<AddressRange>> ranges;  ///< without ports
};

/// What lvs_method says.
struct MethodDraft {
  Method method = Method::nat;
  Tunnel tunnel{};
};

/// Where a probe goes and where it comes from.
struct ConnectionDraft {
  std::optional<At<net::IpAddress>> connect_address, bind_address;
  std::optional<At<unsigned>> connect_port, bind_port;
  std::string bind_interface;
  unsigned fwmark = 0;
};

/// What only some kinds of checkers have.
struct CheckDetailDraft {
  std::optional<At<HttpVersion>> version;
  bool fast_recovery = false;
  std::optional<At<bool>> use_tls;
  TlsClient tls{};
  SmtpCheck smtp{};
  DnsCheck dns{};
  UdpCheck udp{};
  MiscCheck misc{};
  std::optional<At<std::string>> track_file;
  std::optional<int> file_weight;
  bool file_reverse = false, file_dynamic = false;
  AgentCheck agent{};
  GrpcCheck grpc{};
  std::vector<At<std::size_t>> regexes{};  ///< the number of the url, and where its regex is
};

struct CheckDraft {
  CheckKind kind = CheckKind::tcp;
  Position at;
  TimingDraft timing;
  ConnectionDraft connection;
  std::vector<ConnectionDraft> hosts;  ///< SMTP_CHECK: `host { }`, one probe each
  std::vector<HttpUrl> urls;
  Boxed<CheckDetailDraft> detail{};
};

struct ServerDraft {
  Position at;  ///< of the keyword; the address has its own
  std::optional<At<net::IpAddress>> address;
  std::optional<At<unsigned>> port;
  unsigned weight = 1;
  std::optional<At<MethodDraft>> method;
  std::optional<At<unsigned>> upper_threshold, lower_threshold;
  TimingDraft timing;
  bool any_check = false;
  std::vector<CheckDraft> checks;
  Boxed<Command> notify_up, notify_down;
  std::optional<At<bool>> alert;
  std::vector<At<std::string>> checks_to_come;  ///< keepalived's checkers that are not done yet
};

/// `real_servers_from`
struct SourceDraft {
  SourceQuery query;
  std::optional<Duration> interval;
  ServerDraft like;
};

struct SorryDraft {
  At<net::IpAddress> address;
  std::optional<At<unsigned>> port;
};

struct ServiceDraft {
  Position at;
  std::string title;  ///< `virtual_server 10.0.0.1 80`
  std::optional<At<unsigned>> fwmark;
  std::optional<At<net::Family>> family;
  std::optional<At<std::string>> group;
  std::optional<At<net::IpAddress>> address;
  std::optional<At<unsigned>> port;
  std::optional<At<Protocol>> protocol;
  std::optional<At<EngineKind>> engine;
  std::optional<At<MethodDraft>> method;
  std::optional<At<Scheduler>> scheduler;
  std::optional<At<std::string>> hash_port, hash_fallback;  ///< under the name that switched it on
  std::optional<At<Duration>> persistence_timeout;
  std::optional<At<std::string>> persistence_engine;
  std::optional<At<std::string>> third_flag;
  std::optional<At<std::string>> persistence_granularity;  ///< a netmask or a length: its family tells
  std::optional<At<bool>> one_packet;
  std::optional<bool> expire_nodest, sloppy_tcp;
  std::optional<At<std::string>> local_group;
  std::optional<At<ClientAddress>> client_address;
  bool omega = false;
  std::optional<At<unsigned>> quorum, hysteresis;
  Command quorum_up, quorum_down;
  std::optional<At<bool>> alert;
  WhenAllDown when_all_down = WhenAllDown::refuse;
  Duration slow_start = 0s;
  bool ha_suspend = false;
  std::optional<PassiveCheck> passive;
  Position passive_at;
  std::optional<SorryDraft> sorry;
  bool sorry_inhibit = false;
  std::optional<At<MethodDraft>> sorry_method;
  LvsTimeoutsDraft timeouts;
  TimingDraft timing;
  std::vector<ServerDraft> servers;
  std::vector<SourceDraft> sources;
  bool reads_source = false;  ///< what is read now is of the last source, not of the last server
};

/// A server that an `amend` block names.
struct ServerNameDraft {
  Position at;
  std::optional<At<net::IpAddress>> address;
  std::optional<At<unsigned>> port;
  unsigned weight = 0;
};

/// `amend virtual_server`: changes of a service that is told of elsewhere.
struct AmendDraft {
  ServiceDraft service;  ///< its name and protocol; the servers that it gets
  std::vector<ServerNameDraft> removed, weights;
  bool remove = false;
};

/// The block `SSL` of the top level: what TLS checkers that say nothing themselves use.
struct SslDraft {
  std::string ca_file, certificate, key;
};

struct Draft {
  Global global;
  std::vector<At<std::string>> lb_interfaces;
  LvsTimeoutsDraft timeouts;
  std::optional<At<SyncDaemon>> sync_daemon;
  std::optional<unsigned> vrrp_version;
  bool check_unicast_source = false;
  AnnounceDraft announce;
  bool min_garp = false;
  ElectionDraft election;
  KernelGlobalDraft kernel;
  bool notify_priority_changes = false;
  std::optional<At<bool>> alert, vrrp_alert, checker_alert;  ///< smtp_alert, smtp_alert_vrrp, smtp_alert_checker
  bool log_all_failures = false;                             ///< checker_log_all_failures
  SslDraft ssl;
  std::vector<AddressDraft> static_addresses;
  TrackingDraft tracking;
  std::vector<ScriptDraft> scripts;
  std::vector<InstanceDraft> instances;
  std::vector<SyncGroupDraft> sync_groups;
  std::vector<AddressGroupDraft> address_groups;
  std::vector<LocalGroupDraft> local_groups;
  std::vector<ServiceDraft> services;
  std::vector<AmendDraft> amendments;
  bool reads_amendment = false;  ///< what is read now is of the last amendment, not of the last service
};

}  // namespace ballast::config
