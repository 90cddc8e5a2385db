#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemons/forwardd/desired.hpp"
#include "daemons/forwardd/roles.hpp"

namespace ballast::forwardd {

struct ServerCounters {
  std::uint64_t active = 0;
  std::uint64_t inactive = 0;
  std::uint64_t connections = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  // Of new TCP connections to servers that passive_check watches; what each means: layout.h.
  std::uint64_t answered = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t refused = 0;
};

struct ConnectionFilter {
  std::string service;  ///< name; empty: all
  std::string client;   ///< address; empty: all
  std::string server;   ///< endpoint; empty: all
  std::size_t limit = 1000;
};

/// A packet that somebody asks about.
struct TraceQuery {
  config::Protocol protocol = config::Protocol::tcp;
  net::Endpoint source;
  net::Endpoint destination;
  std::uint8_t tcp_flags = 0x02;  ///< SYN
};

/// A data path that can be made to match a desired state. Both engines (xdp, ipvs) keep this.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Makes the data path match; the smallest difference is applied, unchanged services notice nothing, and those that
  /// are shared with the state before cost next to nothing. What could not be done is returned in words, one an object,
  /// and tried again on the next call.
  virtual std::vector<Error> reconcile(const DesiredState& desired) = 0;

  /// Only what services' roles say (`DesiredService::role`), at once; roles that no reconciled service has are ignored.
  virtual Result<> set_roles(const std::map<std::string, RoleState>& roles) = 0;

  /// Of a service's servers, by endpoint text.
  virtual std::map<std::string, ServerCounters> counters(const std::string& service) = 0;
  /// What became of new connections to each server of a service, and how many different clients, roughly, saw them fail
  /// since the last call.
  virtual std::vector<bus::ServerTraffic> traffic(const std::string& service) {
    (void)service;
    return {};
  }
  virtual std::vector<bus::Connection> connections(const ConnectionFilter& filter) = 0;
  virtual std::vector<bus::DropCount> drops() = 0;
  /// What would happen to this packet, step by step; nothing is changed.
  virtual Result<std::vector<bus::TraceStep>> trace(const TraceQuery& query) = 0;

  /// What is attached where, for `ballastctl`: an object with at least `engine` and `interfaces`.
  virtual nlohmann::json about() = 0;

  /// Takes the data path down: programs detached, pins removed. Only on an operator's word.
  virtual Result<> unload() = 0;
};

}  // namespace ballast::forwardd
