#pragma once
// IPVS's table as a value: what the kernel holds, and what it should hold. Pure.
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemons/forwardd/desired.hpp"

namespace ballast::forwardd::ipvs {

/// What a virtual service is known by: address, port and protocol, or a firewall mark.
struct ServiceKey {
  net::Family family = net::Family::ipv4;
  std::uint32_t fwmark = 0;   ///< not 0: it alone, with the family, names the service
  std::uint8_t protocol = 0;  ///< IPPROTO_*
  net::Endpoint endpoint;
  auto operator<=>(const ServiceKey&) const = default;
  /// `tcp 192.0.2.1:80` or `fwmark 7`
  [[nodiscard]] std::string to_string() const;
};

/// What a real server is like, apart from its address.
struct Destination {
  config::Method method = config::Method::nat;
  config::Tunnel tunnel{};  ///< of method TUN
  std::uint32_t weight = 0;
  std::uint32_t upper_threshold = 0;
  std::uint32_t lower_threshold = 0;
  bool operator==(const Destination&) const = default;
};

struct Settings {
  std::string scheduler;
  std::uint32_t flags = 0;    ///< IP_VS_SVC_F_*, without those of the kernel's own
  std::uint32_t timeout = 0;  ///< persistence, in seconds
  unsigned prefix = 32;       ///< of clients that count as one
  std::string engine;         ///< of persistence; empty: by address
  bool operator==(const Settings&) const = default;
};

using Destinations = std::map<net::Endpoint, Destination>;

struct Service {
  Settings settings;
  Destinations destinations;
  bool operator==(const Service&) const = default;
};

using Table = std::map<ServiceKey, Service>;

/// What IPVS should hold for a service: each of its addresses and marks is a service there, with all servers that may
/// have connections. A server that is down and keeps none is not there: IPVS then schedules its connections anew.
Table translate(const DesiredService& service);

/// One request to the kernel.
struct Change {
  enum class Kind : std::uint8_t {
    add_service,
    set_service,
    remove_service,
    add_destination,
    set_destination,
    remove_destination
  };
  Kind kind = Kind::add_service;
  ServiceKey service;
  Settings settings{};        ///< of add_service, set_service
  net::Endpoint server{};     ///< of the others
  Destination destination{};  ///< of add_destination, set_destination
  bool reschedules = false;   ///< of set_service: the scheduler is another
  bool operator==(const Change&) const = default;
  /// `add server 10.0.0.1:80 of tcp 192.0.2.1:80`
  [[nodiscard]] std::string to_string() const;
};

/// Appends what makes a service of `from` one of `to`; null: it is not there. Servers come before others go.
void add_difference(const ServiceKey& key, const Service* from, const Service* to, std::vector<Change>& changes);

/// Does to the table what the kernel has done.
void carry_out(const Change& change, Table& table);

}  // namespace ballast::forwardd::ipvs
