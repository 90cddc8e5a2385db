#pragma once
// What the data path should do: a value computed from configuration, health, operators' words and VRRP roles (desired.cpp),
// which an engine makes true.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"

namespace ballast::forwardd {

struct DesiredServer {
  net::Endpoint endpoint;
  config::Method method = config::Method::nat;
  int weight = 0;                                        ///< for new connections; 0: none
  bus::ServerStatus status = bus::ServerStatus::down;
  bool keeps_connections = true;                         ///< down servers: go on sending what is established
  bool operator==(const DesiredServer&) const = default;
};

struct DesiredService {
  std::string name;
  std::vector<net::Endpoint> endpoints;
  config::Protocol protocol = config::Protocol::tcp;
  config::Method method = config::Method::nat;
  config::Scheduler scheduler = config::Scheduler::wlc;
  config::LvsTimeouts timeouts;
  bool forwarding = true;               ///< its VIP's instance is MASTER, or it has none
  std::vector<DesiredServer> servers;   ///< all of the configuration's, in its order; the sorry server last, if it answers
  bool operator==(const DesiredService&) const = default;
};

struct DesiredState {
  std::vector<DesiredService> services;
  std::vector<std::string> interfaces;  ///< lb_interfaces as configured; empty: found by the engine from VIPs and routes
  std::vector<std::pair<net::IpAddress, std::string>> virtual_addresses;  ///< VIPs of vrrp instances with their interface
  config::XdpMode xdp_mode = config::XdpMode::automatic;
  std::uint32_t connection_table_size = 0;
  bool operator==(const DesiredState&) const = default;
};

}  // namespace ballast::forwardd
