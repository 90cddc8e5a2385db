#pragma once
// What the data path should do: a value computed from configuration, health, operators' words and VRRP roles
// (desired.cpp), which an engine makes true.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"
#include "daemons/forwardd/roles.hpp"

namespace ballast::forwardd {

struct DesiredServer {
  net::Endpoint endpoint;
  config::Method method = config::Method::nat;
  config::Tunnel tunnel{};       ///< of method TUN
  int weight = 0;                ///< for new connections; 0: none
  unsigned upper_threshold = 0;  ///< connections from which it gets no new ones; 0: no limit
  unsigned lower_threshold = 0;  ///< below so many it gets new ones again; 0: three quarters of the upper one
  bus::ServerStatus status = bus::ServerStatus::down;
  bool keeps_connections = true;  ///< down servers: go on sending what is established
  bool watched = false;           ///< passive_check: what becomes of its new connections is counted
  bool operator==(const DesiredServer&) const = default;
};

struct DesiredService {
  std::string name;
  config::EngineKind engine = config::EngineKind::xdp;
  std::vector<net::Endpoint> endpoints;
  std::vector<std::uint32_t> fwmarks;  ///< IPVS
  net::Family family = net::Family::ipv4;
  config::Protocol protocol = config::Protocol::tcp;
  config::Method method = config::Method::nat;
  config::Scheduler scheduler = config::Scheduler::wlc;
  bool hash_port = false;                       ///< sh, mh: hash the client's port, too
  bool hash_fallback = false;                   ///< sh, mh: pass over a server that takes nothing new
  bool third_flag = false;                      ///< IPVS
  std::vector<net::IpAddress> local_addresses;  ///< FNAT: where connections to servers come from
  config::ClientAddress client_address = config::ClientAddress::toa;  ///< FNAT: how servers learn the client's address
  config::Duration persistence_timeout{0};  ///< 0: a client's connections may go to different servers
  unsigned persistence_prefix4 = 32;        ///< clients of one IPv4 network of this length count as one
  unsigned persistence_prefix6 = 128;       ///< the same for IPv6
  std::string persistence_engine;           ///< IPVS; empty: a client is known by its address
  bool one_packet = false;                  ///< UDP: every packet is scheduled by itself
  bool sloppy_tcp = false;                  ///< a packet in the middle of a TCP connection may begin an entry
  config::LvsTimeouts timeouts;
  std::string role;  ///< name of what decides whether it forwards: its VIPs' instances; empty: it always does
  std::vector<DesiredServer>
      servers;  ///< all of the configuration's, in its order; the sorry server last, if it answers or is to be kept
  bool operator==(const DesiredService&) const = default;
};

struct DesiredState {
  config::SharedList<DesiredService> services;  ///< what has not changed is shared with the state before
  std::map<std::string, RoleState> roles;       ///< by `DesiredService::role`
  std::vector<std::string>
      interfaces;  ///< lb_interfaces as configured; empty: found by the engine from VIPs and routes
  std::vector<std::pair<net::IpAddress, std::string>>
      virtual_addresses;  ///< VIPs of vrrp instances with their interface
  config::XdpMode xdp_mode = config::XdpMode::automatic;
  std::uint32_t connection_table_size = 0;
  config::LvsTimeouts timeouts;                   ///< IPVS: of all services
  std::optional<config::SyncDaemon> sync_daemon;  ///< IPVS; its role is that of its instance alone
  bool operator==(const DesiredState&) const = default;
};

/// What the desired state is computed from. Keys of servers are `<service>/<endpoint>`, as in the bus's topics.
struct Inputs {
  std::map<std::string, bus::ServerHealth> health;
  std::map<std::string, bus::AdminState> admin;
  std::map<std::string, bus::VrrpRole> roles;  ///< by instance
};

[[nodiscard]] std::string server_key(const std::string& service, const net::Endpoint& server);

/// What is remembered of a server of a service with slow_start, once a probe or somebody's word has settled how it is.
struct ServerMemory {
  bool up = false;
  double rising_since = 0;  ///< when it came up; 0: it has its whole weight
  bool operator==(const ServerMemory&) const = default;
};

/// What computing a service needs to know of its past.
struct Memory {
  std::optional<bool> quorum;  ///< it had its quorum (hysteresis)
  std::map<net::Endpoint, ServerMemory> servers;
};

struct ComputedService {
  DesiredService desired;
  bus::ServiceState report;  ///< its counters are 0
  Memory memory;
  std::optional<double> again;  ///< when a weight changes by time alone (slow start)
};

/// Configuration x health x operators' words x VRRP roles x time -> what should be of a service. Pure; `instances`:
/// those that have its VIPs; `now`: seconds of any clock that goes on evenly.
/// A server of unknown health is up, unless it starts down (alpha). Quorum as keepalived has it, of the weights that
/// checks leave to servers: gained at quorum + hysteresis, lost below quorum - hysteresis; without a past, at quorum.
ComputedService compute(const config::Global& global, const config::VirtualServer& service,
                        const std::set<std::string>& instances, const Inputs& inputs, const Memory& past, double now);

}  // namespace ballast::forwardd
