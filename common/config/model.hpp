#pragma once
// The typed configuration: plain structs, complete (defaults filled in, definitions expanded, groups resolved) and
// valid as far as one file can tell. What depends on the machine (an interface that is not there) is not decided here.
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/config/duration.hpp"
#include "common/config/model_authentication.hpp"
#include "common/config/model_checks.hpp"
#include "common/config/model_election.hpp"
#include "common/config/model_kernel.hpp"
#include "common/config/model_mail.hpp"
#include "common/config/model_scripts.hpp"
#include "common/config/model_sources.hpp"
#include "common/config/model_tracking.hpp"
#include "common/config/shared_list.hpp"
#include "common/enum_names.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::config {

enum class Protocol : std::uint8_t { tcp = 6, udp = 17, sctp = 132 };
enum class Method : std::uint8_t { nat, dr, tun, fnat };
enum class TunnelType : std::uint8_t { ipip, gue, gre };
enum class TunnelChecksum : std::uint8_t { none, csum, remcsum };
enum class ClientAddress : std::uint8_t { toa, proxy_v1, proxy_v2, none };
enum class Scheduler : std::uint8_t { rr, wrr, lc, wlc, sh, dh, mh, sed, nq, lblc, lblcr, fo, ovf, twos, p2c };
enum class EngineKind : std::uint8_t { xdp, ipvs };
enum class XdpMode : std::uint8_t { automatic, native, generic };
enum class InitialState : std::uint8_t { backup, master };
/// What becomes of packets for a service none of whose servers is up.
enum class WhenAllDown : std::uint8_t { refuse, all };

using std::pair;
using std::string_view;
constexpr auto enum_names(Protocol*) {
  return std::array{pair{Protocol::tcp, string_view{"tcp"}}, pair{Protocol::udp, string_view{"udp"}},
                    pair{Protocol::sctp, string_view{"sctp"}}};
}
constexpr auto enum_names(Method*) {
  return std::array{pair{Method::nat, string_view{"NAT"}}, pair{Method::dr, string_view{"DR"}},
                    pair{Method::tun, string_view{"TUN"}}, pair{Method::fnat, string_view{"FNAT"}},
                    pair{Method::fnat, string_view{"FULLNAT"}}};
}
constexpr auto enum_names(TunnelType*) {
  return std::array{pair{TunnelType::ipip, string_view{"ipip"}}, pair{TunnelType::gue, string_view{"gue"}},
                    pair{TunnelType::gre, string_view{"gre"}}};
}
constexpr auto enum_names(TunnelChecksum*) {
  return std::array{pair{TunnelChecksum::none, string_view{"nocsum"}}, pair{TunnelChecksum::csum, string_view{"csum"}},
                    pair{TunnelChecksum::remcsum, string_view{"remcsum"}}};
}
constexpr auto enum_names(ClientAddress*) {
  return std::array{
      pair{ClientAddress::toa, string_view{"toa"}}, pair{ClientAddress::proxy_v1, string_view{"proxy_v1"}},
      pair{ClientAddress::proxy_v2, string_view{"proxy_v2"}}, pair{ClientAddress::none, string_view{"none"}}};
}
constexpr auto enum_names(Scheduler*) {
  using enum Scheduler;
  return std::array{pair{rr, string_view{"rr"}},     pair{wrr, string_view{"wrr"}},     pair{lc, string_view{"lc"}},
                    pair{wlc, string_view{"wlc"}},   pair{sh, string_view{"sh"}},       pair{dh, string_view{"dh"}},
                    pair{mh, string_view{"mh"}},     pair{sed, string_view{"sed"}},     pair{nq, string_view{"nq"}},
                    pair{lblc, string_view{"lblc"}}, pair{lblcr, string_view{"lblcr"}}, pair{fo, string_view{"fo"}},
                    pair{ovf, string_view{"ovf"}},   pair{twos, string_view{"twos"}},   pair{p2c, string_view{"p2c"}}};
}
constexpr auto enum_names(EngineKind*) {
  return std::array{pair{EngineKind::xdp, string_view{"xdp"}}, pair{EngineKind::ipvs, string_view{"ipvs"}}};
}
constexpr auto enum_names(XdpMode*) {
  return std::array{pair{XdpMode::automatic, string_view{"auto"}}, pair{XdpMode::native, string_view{"native"}},
                    pair{XdpMode::generic, string_view{"generic"}}};
}
constexpr auto enum_names(InitialState*) {
  return std::array{pair{InitialState::backup, string_view{"BACKUP"}},
                    pair{InitialState::master, string_view{"MASTER"}}};
}
constexpr auto enum_names(WhenAllDown*) {
  return std::array{pair{WhenAllDown::refuse, string_view{"refuse"}}, pair{WhenAllDown::all, string_view{"all"}}};
}

/// Timeouts of established TCP, closing TCP and UDP entries, as `ipvsadm --set` has them (data-path defaults).
struct LvsTimeouts {
  Duration tcp = 900s;
  Duration tcp_fin = 120s;
  Duration udp = 300s;
  bool operator==(const LvsTimeouts&) const = default;
};

/// IPVS's own daemon, which tells a peer of connections; both directions where no instance decides.
struct SyncDaemon {
  std::string interface;
  std::string instance;                 ///< while it is MASTER we tell, else we listen; empty: both
  std::uint8_t id = 0;                  ///< only those of one id listen to each other
  std::uint16_t maxlen = 0;             ///< of a message, in bytes; 0: the kernel's default
  std::uint16_t port = 0;               ///< 0: the kernel's default, 8848
  std::uint8_t ttl = 0;                 ///< 0: the kernel's default, 1
  std::optional<net::IpAddress> group;  ///< multicast; none: the kernel's default, 224.0.0.81
  bool operator==(const SyncDaemon&) const = default;
};

struct Global {
  std::string router_id;  ///< empty: the host's name
  std::string script_user;
  bool enable_script_security = false;
  EngineKind lb_engine = EngineKind::xdp;
  std::vector<std::string> lb_interfaces;  ///< empty: those that carry a VIP or reach a real server
  XdpMode xdp_mode = XdpMode::automatic;
  std::uint32_t connection_table_size = 1'000'000;
  LvsTimeouts lvs_timeouts;
  std::optional<SyncDaemon> sync_daemon;
  bool expire_nodest = false;           ///< of services that do not say
  bool sloppy_tcp = false;              ///< of services that do not say
  Duration vrrp_delay_after_boot = 0s;  ///< before instances take part, once the machine has booted
  Duration vrrp_startup_delay = 0s;     ///< before instances take part, once vrrpd has started
  Firewall firewall{};
  std::string vmac_prefix = "vrrp";  ///< links of virtual MACs are called PREFIX.VRID
  std::string vmac_addr_prefix;      ///< of links that only addresses need; empty: the same
  NodeScripts scripts{};
  Mail mail{};
  bool operator==(const Global&) const = default;
};

struct VirtualAddress {
  net::Prefix prefix;
  std::string interface;  ///< always filled: the instance's, unless `dev` says otherwise
  std::string label;      ///< IPv4 only; empty: none
  std::string scope;      ///< empty: global (link for link-local addresses)
  std::optional<net::IpAddress> broadcast;
  AddressOptions options{};
  bool operator==(const VirtualAddress&) const = default;
};

struct TrackInterface {
  std::string interface;
  int weight = 0;  ///< 0: its loss is FAULT; else added to the priority (up if positive, when down if negative)
  bool reverse = false;
  bool operator==(const TrackInterface&) const = default;
};

/// Gratuitous ARP and unsolicited NA, keepalived's garp_* knobs with its defaults.
struct Announce {
  Duration delay = 5s;             ///< garp_master_delay: the second burst after becoming master; 0: none
  unsigned repeat = 5;             ///< garp_master_repeat: in each burst
  Duration refresh = 0s;           ///< garp_master_refresh; 0: never again
  unsigned refresh_repeat = 1;     ///< garp_master_refresh_repeat
  Duration lower_prio_delay = 5s;  ///< garp_lower_prio_delay: after an advertisement of lower priority was heard
  unsigned lower_prio_repeat = 5;  ///< garp_lower_prio_repeat
  Duration garp_interval = 0s;     ///< between two GARPs
  Duration gna_interval = 0s;      ///< between two unsolicited NAs
  Duration extra_interval = 0s;    ///< garp_extra_if: so often on other interfaces than the instance's; 0: never
  bool extra_all = false;          ///< garp_extra_if all: on every interface that has one of the addresses
  bool operator==(const Announce&) const = default;
};

struct UnicastPeer {
  net::IpAddress address;
  std::uint8_t min_ttl = 0;  ///< of its advertisements as they arrive, hop limit in IPv6
  std::uint8_t max_ttl = 255;
  bool operator==(const UnicastPeer&) const = default;
};

struct VrrpInstance {
  std::string name;
  std::string interface;
  std::uint8_t virtual_router_id = 0;  ///< 1..255
  std::uint8_t priority = 100;         ///< 1..255; 255: the address owner
  Duration advert_interval = 1s;
  std::uint8_t version = 2;  ///< 2 or 3; IPv6 is always 3
  net::Family family = net::Family::ipv4;
  InitialState initial_state = InitialState::backup;
  bool preempt = true;
  Duration preempt_delay = 0s;
  std::optional<net::IpAddress> source;           ///< mcast_src_ip or unicast_src_ip
  std::vector<UnicastPeer> unicast_peers;         ///< empty: multicast
  std::uint8_t unicast_ttl = 255;                 ///< of advertisements to them
  bool check_unicast_source = false;              ///< hear no others
  std::vector<std::string> heartbeat_interfaces;  ///< speaks and hears there, too, to tell a dead link from a dead peer
  bool v3_checksum_as_v2 = false;                 ///< send the message-only checksum (RFC 9568) over IPv4
  bool accept = true;                             ///< answer packets to the VIP though not its owner
  std::vector<VirtualAddress> virtual_addresses;
  std::vector<VirtualAddress> virtual_addresses_excluded;  ///< programmed but not advertised
  std::vector<TrackInterface> track_interfaces;
  std::vector<Track> tracks;
  Announce announce;
  Election election;
  Secret auth_pass;                   ///< version 2: the password of auth_type PASS, up to 8 bytes; empty: none
  std::optional<AuthHmac> auth_hmac;  ///< none: advertisements carry no trailer, and none is accepted
  KernelObjects kernel{};
  Notify notify{};
  std::string description;
  bool operator==(const VrrpInstance&) const = default;
};

struct VrrpSyncGroup {
  std::string name;
  std::vector<std::string> members;  ///< instances' names
  std::vector<TrackInterface> track_interfaces;
  std::vector<Track> tracks{};  ///< for all members
  Notify notify{};
  bool operator==(const VrrpSyncGroup&) const = default;
};

/// How packets for a server of method TUN are wrapped; means nothing for other methods.
struct Tunnel {
  TunnelType type = TunnelType::ipip;
  std::uint16_t port = 0;  ///< GUE only: the server's UDP port
  TunnelChecksum checksum = TunnelChecksum::none;
  bool operator==(const Tunnel&) const = default;
};

struct RealServer {
  net::Endpoint endpoint;  ///< port 0: each connection keeps the one it asked for
  int weight = 1;          ///< 0: no new connections
  Method method = Method::nat;
  Tunnel tunnel{};               ///< its own, else the service's
  unsigned upper_threshold = 0;  ///< connections from which it gets no new ones; 0: no limit
  unsigned lower_threshold = 0;  ///< below so many it gets new ones again; 0: three quarters of the upper one
  bool inhibit_on_failure = false;
  bool any_check = false;     ///< several checks: one that passes is enough
  std::vector<Check> checks;  ///< none: always up; several: all must pass
  Boxed<Command> notify_up{}, notify_down{};
  bool mail = false;  ///< smtp_alert
  bool operator==(const RealServer&) const = default;
};

/// Servers that are looked up, and what they are like: `like` has an unspecified address, which stands for theirs.
struct ServerSource {
  SourceQuery query;
  RealServer like;
  bool operator==(const ServerSource&) const = default;
};

/// Health from the data path: what it sees of new connections marks a server down between two probes.
struct PassiveCheck {
  unsigned failures = 5;    ///< connections that failed within `interval` at least
  unsigned ratio = 50;      ///< percent of the new connections within `interval` that failed at least
  unsigned clients = 3;     ///< different clients that saw them fail, at least
  unsigned most_down = 50;  ///< percent of the service's servers that may be down by this at a time
  Duration interval = 2s;
  Duration hold = 10s;  ///< down at least so long; doubled each time it fails again at once, up to 16 times
  bool operator==(const PassiveCheck&) const = default;
};

struct SorryServer {
  net::Endpoint endpoint;
  Method method = Method::nat;
  Tunnel tunnel{};
  bool inhibit = false;  ///< sorry_server_inhibit: where it does not answer, its connections stay
  bool operator==(const SorryServer&) const = default;
};

struct VirtualServer {
  std::string name;  ///< unique: `tcp:203.0.113.10:443`, `udp:[2001:db8::1]:53`, `tcp:group:NAME`, `fwmark:7`
  std::vector<net::Endpoint> endpoints;    ///< one, or those of the virtual_server_group; port 0: every port
  std::vector<std::uint32_t> fwmarks;      ///< IPVS: packets that bear one of these belong to it, too
  net::Family family = net::Family::ipv4;  ///< of all its addresses, or of what its fwmarks are on
  Protocol protocol = Protocol::tcp;
  EngineKind engine = EngineKind::xdp;
  Method method = Method::nat;
  Tunnel tunnel{};
  std::vector<net::IpAddress> local_addresses;        ///< FNAT: where connections to servers come from
  ClientAddress client_address = ClientAddress::toa;  ///< FNAT: how servers learn the client's address; UDP: none
  Scheduler scheduler = Scheduler::wlc;
  bool hash_port = false;              ///< sh, mh: hash the client's port, too
  bool hash_fallback = false;          ///< sh, mh: pass over a server that takes nothing new
  bool third_flag = false;             ///< IPVS: hand the scheduler its third flag
  Duration persistence_timeout = 0s;   ///< a client keeps its server so long after a connection; 0: it does not
  unsigned persistence_prefix4 = 32;   ///< clients of one IPv4 network of this length count as one
  unsigned persistence_prefix6 = 128;  ///< the same for IPv6
  std::string persistence_engine;      ///< IPVS: by what a client is known (`sip`: the call); empty: its address
  bool one_packet = false;             ///< UDP: every packet is scheduled by itself
  bool expire_nodest = false;          ///< connections of a server that failed are dropped, not kept
  bool sloppy_tcp = false;             ///< any TCP packet but a RST may begin a connection, not only a SYN
  bool alpha = false;                  ///< servers start down
  bool omega = false;                  ///< quorum_down and notify_down run at the end, too
  unsigned quorum = 1;                 ///< sum of weights of servers that are up, below which the service is down
  unsigned hysteresis = 0;
  Command quorum_up{}, quorum_down{};
  bool mail = false;  ///< smtp_alert: quorum gained or lost
  std::optional<SorryServer> sorry_server;
  WhenAllDown when_all_down = WhenAllDown::refuse;  ///< without a sorry server
  Duration slow_start = 0s;                         ///< a server that comes up: so long until it has its whole weight
  bool ha_suspend = false;                          ///< no probes while its VIP is not on this machine
  std::optional<PassiveCheck> passive_check;
  std::optional<LvsTimeouts> timeouts;  ///< the service's own, else Global's
  std::vector<RealServer> real_servers;
  std::vector<ServerSource> sources;  ///< more of them
  bool operator==(const VirtualServer&) const = default;
};

/// What is there always, whatever the roles are.
struct StaticObjects {
  std::vector<VirtualAddress> addresses;
  std::vector<Route> routes;
  std::vector<Rule> rules;
  std::vector<TrackGroup> groups;
  bool operator==(const StaticObjects&) const = default;
};

struct Model {
  Global global;
  StaticObjects statics{};
  std::vector<VrrpScript> vrrp_scripts;
  Tracking tracking;
  std::vector<VrrpInstance> vrrp_instances;
  std::vector<VrrpSyncGroup> vrrp_sync_groups;
  SharedList<VirtualServer> virtual_servers;
  bool operator==(const Model&) const = default;
};

// The parts' JSON is what `ballastctl config --json` prints and what the bus carries. A missing field is an error that
// names it, an unknown one is ignored.
#define BALLAST_CONFIG_JSON(Type)                        \
  void to_json(nlohmann::json& json, const Type& value); \
  void from_json(const nlohmann::json& json, Type& value);
BALLAST_CONFIG_JSON(LvsTimeouts)
BALLAST_CONFIG_JSON(SyncDaemon)
BALLAST_CONFIG_JSON(Global)
BALLAST_CONFIG_JSON(VirtualAddress)
BALLAST_CONFIG_JSON(TrackInterface)
BALLAST_CONFIG_JSON(Announce)
BALLAST_CONFIG_JSON(Election)
BALLAST_CONFIG_JSON(UnicastPeer)
BALLAST_CONFIG_JSON(Secret)
BALLAST_CONFIG_JSON(HmacKey)
BALLAST_CONFIG_JSON(AuthHmac)
BALLAST_CONFIG_JSON(VrrpInstance)
BALLAST_CONFIG_JSON(VrrpSyncGroup)
BALLAST_CONFIG_JSON(StatusRange)
BALLAST_CONFIG_JSON(HttpUrl)
BALLAST_CONFIG_JSON(BodyRegex)
BALLAST_CONFIG_JSON(HttpCheck)
BALLAST_CONFIG_JSON(TlsClient)
BALLAST_CONFIG_JSON(SmtpCheck)
BALLAST_CONFIG_JSON(DnsCheck)
BALLAST_CONFIG_JSON(UdpCheck)
BALLAST_CONFIG_JSON(MiscCheck)
BALLAST_CONFIG_JSON(FileCheck)
BALLAST_CONFIG_JSON(AgentCheck)
BALLAST_CONFIG_JSON(GrpcCheck)
BALLAST_CONFIG_JSON(Check)
BALLAST_CONFIG_JSON(Command)
BALLAST_CONFIG_JSON(Webhook)
BALLAST_CONFIG_JSON(Tunnel)
BALLAST_CONFIG_JSON(RealServer)
BALLAST_CONFIG_JSON(SourceQuery)
BALLAST_CONFIG_JSON(FoundServer)
BALLAST_CONFIG_JSON(ServerSource)
BALLAST_CONFIG_JSON(PassiveCheck)
BALLAST_CONFIG_JSON(SorryServer)
BALLAST_CONFIG_JSON(VirtualServer)
BALLAST_CONFIG_JSON(StaticObjects)
BALLAST_CONFIG_JSON(Model)
#undef BALLAST_CONFIG_JSON

}  // namespace ballast::config

NLOHMANN_JSON_NAMESPACE_BEGIN
template <>
struct adl_serializer<ballast::config::Duration> {
  static void to_json(json& out, ballast::config::Duration value) { out = static_cast<double>(value.count()) / 1e6; }
  static void from_json(const json& in, ballast::config::Duration& value) {
    value = ballast::config::Duration{std::llround(in.get<double>() * 1e6)};
  }
};
NLOHMANN_JSON_NAMESPACE_END
