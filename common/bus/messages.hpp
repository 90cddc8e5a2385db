#pragma once
// What travels on the bus, one struct a message. JSON is made from the field lists at the end; unknown fields are
// ignored, a missing one is an error that names it.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/enum_names.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::bus {

constexpr int protocol_version = 1;  ///< the major version; another is refused in words
constexpr std::size_t max_frame = 64U << 20;

using std::pair;
using std::string_view;

enum class VrrpRole : std::uint8_t { init, backup, master, fault };
constexpr auto enum_names(VrrpRole*) {
  using enum VrrpRole;
  return std::array{pair{init, string_view{"INIT"}}, pair{backup, string_view{"BACKUP"}},
                    pair{master, string_view{"MASTER"}}, pair{fault, string_view{"FAULT"}}};
}

enum class ServerStatus : std::uint8_t { up, down, drain };
constexpr auto enum_names(ServerStatus*) {
  using enum ServerStatus;
  return std::array{pair{up, string_view{"up"}}, pair{down, string_view{"down"}}, pair{drain, string_view{"drain"}}};
}

/// An operator's word about a server; `enable` is its absence.
enum class AdminState : std::uint8_t { drain, disable };
constexpr auto enum_names(AdminState*) {
  return std::array{pair{AdminState::drain, string_view{"drain"}}, pair{AdminState::disable, string_view{"disable"}}};
}

/// Topic `node/<role>`.
struct NodeState {
  std::string role;
  std::string version;
  int pid = 0;
  double since = 0;  ///< unix time of its start
};

/// Topic `vrrp/<instance>`, by vrrpd.
struct VrrpState {
  std::string name;
  VrrpRole state = VrrpRole::init;
  std::string interface;
  int vrid = 0;
  int priority = 0;  ///< in effect, trackers included
  int configured_priority = 0;
  std::string master;  ///< address of the master as last heard, our own when MASTER, empty when unknown
  double since = 0;    ///< unix time of the last change of state
  std::string reason;  ///< why, in words
  std::vector<std::string> virtual_addresses;
  bool holds_addresses = false;  ///< MASTER, or shortly after, until the new one is known to everybody
  std::uint64_t rivals = 0;      ///< MASTER: losing advertisements of others heard, since vrrpd began
  bool stopped = false;          ///< vrrpd has ended in order: its last word
};

/// Topic `vrrp-group/<name>`, by vrrpd: FAULT when a member is, MASTER when all are, else BACKUP.
struct VrrpGroupState {
  std::string name;
  VrrpRole state = VrrpRole::init;
  bool stopped = false;  ///< as in VrrpState
};

/// Topic `script/<name>`, by scriptd: of a vrrp_script, once it has run, and whenever `up` or `reason` changes.
struct ScriptState {
  std::string name;
  bool up = false;
  double since = 0;
  std::string reason;  ///< `exit status 1, 3 times`, `killed after 2 s`, `cannot be executed: …`
};

/// Topic `health/<service>/<server>`, by checkd: every real server of the configuration has one (`up` when nothing
/// checks it).
struct ServerHealth {
  std::string service;  ///< config::VirtualServer::name
  std::string server;   ///< Endpoint text
  bool up = false;
  double since = 0;
  double took_ms = 0;            ///< the last probe's duration
  std::string reason;            ///< `connect to 10.0.0.2:80: timed out after 1 s`, `GET /health: status 200`
  unsigned checks = 0;           ///< how many checkers it has
  std::optional<int> weight{};   ///< what its checks make of its configured weight; none: nothing
  double certificate_until = 0;  ///< unix time at which the first of its TLS certificates ends; 0: none is known
  bool passive = false;          ///< down by what the data path saw, not by a probe
};

/// Topic `source/<service>/<number>`, by checkd: what a real_servers_from has found, numbered from 0 within its
/// service. A source that fails or is empty keeps the servers that it had last.
struct SourceState {
  std::string service;
  unsigned number = 0;
  config::SourceKind kind{};
  std::string name;
  bool good = false;   ///< the last look-up succeeded and found some
  double since = 0;    ///< unix time of the last change of `good` or `servers`
  std::string reason;  ///< `SRV _http._tcp.example.com: 3 servers`, `…: NXDOMAIN: the last 3 servers are kept`
  std::vector<config::FoundServer> servers;
};

/// What the data path saw of new connections to one server, counted since the server was added.
struct ServerTraffic {
  std::string server;            ///< Endpoint text
  std::uint64_t opened = 0;      ///< connections begun
  std::uint64_t answered = 0;    ///< of these: the server answered, as far as the data path can tell
  std::uint64_t unanswered = 0;  ///< clients that sent their SYN again, once a connection
  std::uint64_t refused = 0;     ///< RSTs in answer to a SYN
  unsigned clients = 0;          ///< different clients, roughly, whose connections failed since the last report
};

/// Topic `traffic/<service>`, by forwardd, for services with passive_check: once an interval while something fails.
struct ServiceTraffic {
  std::string service;
  std::vector<ServerTraffic> servers;
};

/// Topic `admin/<service>/<server>`, by ballastd; withdrawn when undone. Kept across restarts.
struct ServerAdmin {
  std::string service;
  std::string server;
  AdminState state = AdminState::drain;
  std::string by;  ///< user name
  double since = 0;
};

/// Topic `hold/<instance>`, by ballastd: the instance leaves its role to another router. Withdrawn when undone or when
/// its time is up. Kept across restarts.
struct VrrpHold {
  std::string instance;
  bool maintenance = false;  ///< of the whole node; else of this instance (and its sync group) alone
  std::string by;            ///< user name
  double since = 0;
  double until = 0;  ///< 0: until undone
  bool operator==(const VrrpHold&) const = default;
};

struct ServiceServer {
  std::string address;
  std::uint16_t port = 0;
  config::Method method = config::Method::nat;
  int weight = 0;
  ServerStatus state = ServerStatus::down;
  std::string reason;
  std::uint64_t active = 0;
  std::uint64_t inactive = 0;
  std::uint64_t connections = 0;  ///< since the server was added
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// Topic `service/<service>`, by forwardd, published when a state, weight or reason changes; the counters in it are of
/// that moment. forwardd's request `services` answers with an array of these, counters fresh.
struct ServiceState {
  std::string name;
  std::string address;  ///< of the first endpoint, or the group's name
  std::uint16_t port = 0;
  config::Protocol protocol = config::Protocol::tcp;
  config::EngineKind engine = config::EngineKind::xdp;
  config::Method method = config::Method::nat;
  config::Scheduler scheduler = config::Scheduler::wlc;
  ServerStatus state = ServerStatus::down;  ///< up when the quorum holds
  bool forwarding = false;                  ///< false while its VIP's instance is not MASTER
  bool sorry = false;                       ///< the sorry server answers
  std::string reason;
  std::vector<ServiceServer> servers;
};

/// Not retained; ballastd keeps the last 10,000.
struct Event {
  double time = 0;                ///< unix time; 0: ballastd fills it in
  std::string daemon;             ///< ballastd fills it in
  std::string kind;               ///< "vrrp", "health", "service", "config", "daemon", "engine"
  std::string subject;            ///< the instance, service or server it is about
  std::string message;            ///< the line a person reads
  std::string severity = "info";  ///< "info", "notice", "warning", "error"
};

/// One connection, as `ballastctl connections` lists it (forwardd's request `connections {service?, client?, server?,
/// limit}`).
struct Connection {
  std::string protocol;
  std::string client;
  std::string virtual_address;
  std::string server;
  std::string service;
  std::string method;
  std::string state;   ///< SYN_RECV, ESTABLISHED, FIN_WAIT, …, UDP
  double expires = 0;  ///< seconds from now
};

/// forwardd's request `trace {protocol, source, destination, flags?}` answers with an array of these.
struct TraceStep {
  std::string step;  ///< short name
  std::string text;  ///< in words
};

/// forwardd's request `drops` answers with an array of these.
struct DropCount {
  std::string reason;       ///< short name
  std::string explanation;  ///< in words, with what to do
  std::uint64_t packets = 0;
  bool dropped = true;  ///< false: something worth knowing befell them, and they went on
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NodeState, role, version, pid, since)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VrrpState, name, state, interface, vrid, priority, configured_priority, master,
                                   since, reason, virtual_addresses, holds_addresses, rivals, stopped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VrrpGroupState, name, state, stopped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ScriptState, name, up, since, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServerHealth, service, server, up, since, took_ms, reason, checks, weight,
                                   certificate_until, passive)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SourceState, service, number, kind, name, good, since, reason, servers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServerTraffic, server, opened, answered, unanswered, refused, clients)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServiceTraffic, service, servers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServerAdmin, service, server, state, by, since)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VrrpHold, instance, maintenance, by, since, until)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServiceServer, address, port, method, weight, state, reason, active, inactive,
                                   connections, packets_in, packets_out, bytes_in, bytes_out)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServiceState, name, address, port, protocol, engine, method, scheduler, state,
                                   forwarding, sorry, reason, servers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Event, time, daemon, kind, subject, message, severity)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Connection, protocol, client, virtual_address, server, service, method, state,
                                   expires)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TraceStep, step, text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DropCount, reason, explanation, packets, dropped)

/// Reads a message; the error names what is missing or wrong in it.
template <class T>
Result<T> decode(const nlohmann::json& json) {
  try {
    return json.get<T>();
  } catch (const nlohmann::json::exception& exception) {
    return fail("{}", exception.what());
  }
}

}  // namespace ballast::bus
