#pragma once
// Who is to be told what when services and their servers go up and down. Pure, as notices.hpp is for roles.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::scriptd {

/// One thing to tell.
struct ServiceNotice {
  std::string subject;      ///< `tcp:203.0.113.10:443`, a server of it `tcp:203.0.113.10:443/10.0.0.1:80`
  bool up = false;          ///< of a service: its quorum holds
  std::string service;      ///< as keepalived writes it: `[203.0.113.10]:tcp:443`, of a group `[NAME]:0`
  std::string server;       ///< `[10.0.0.1]:tcp:80`; empty: the service itself
  config::Command command;  ///< may be none
  bool mail = false;        ///< it is an alert
  std::string reason;       ///< may be empty
};

/// `VS [203.0.113.10]:tcp:443 UP` or `RS [10.0.0.1]:tcp:80 [203.0.113.10]:tcp:443 DOWN` and the end of the line, as in
/// keepalived's FIFOs.
std::string fifo_line(const ServiceNotice& notice);

/// Whether anybody is to be told of services and their servers at all.
bool tells_of_services(const config::Model& model);

/// Compares what the bus says with what was told. A service's first state is told; a server's only with
/// rs_init_notifies.
class ServiceTeller {
 public:
  /// `record` is what record() was before a restart: what it says was told is not told again. Null: there is none.
  explicit ServiceTeller(const nlohmann::json& record);

  std::vector<ServiceNotice> configure(const config::Model& model);
  /// `health/<name>`; none: withdrawn.
  std::vector<ServiceNotice> on_server(const std::string& name, const std::optional<bus::ServerHealth>& health);
  /// `service/<name>`; none: withdrawn.
  std::vector<ServiceNotice> on_service(const std::string& name, const std::optional<bus::ServiceState>& state);
  /// Ballast ends: services with omega, and their servers, are told to be down, whatever the bus says from now on.
  std::vector<ServiceNotice> stop();

  /// What was told: of servers only those that are down.
  [[nodiscard]] nlohmann::json record() const;
  /// Whether the record is another one than when this was asked last.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  enum class State : std::uint8_t { unknown, down, up };
  struct Service {
    std::string text;
    std::string_view protocol;
    config::Command up, down;
    bool omega = false;
    bool mail = false;
    std::shared_ptr<const config::RealServer> like;  ///< what servers are like that a source found; null: no source
    State seen = State::unknown;
    State told = State::unknown;
  };
  struct Server {
    Service* service = nullptr;  ///< null: not of this configuration
    net::Endpoint endpoint;
    config::Boxed<config::Command> up, down;
    bool mail = false;
    bool kept = false;  ///< while a configuration is adopted: it is in the new one, too
    State seen = State::unknown;
    State told = State::unknown;
  };
  using Services = std::map<std::string, Service>;
  using Notices = std::vector<ServiceNotice>;
  static State state_of(bool up) { return up ? State::up : State::down; }
  void adopt(const config::VirtualServer& configured, Services& before);
  Service* source_of(const std::string& name);
  void adopt(Server& server, Service& service, const config::RealServer& configured, const net::Endpoint& endpoint);
  void take_record(const std::string& name, Server& server);
  void tell(const std::string& name, Service& service, State state, const std::string& reason, Notices& notices);
  void tell(const std::string& name, Server& server, State state, const std::string& reason, Notices& notices);
  void look(const std::string& name, Service& service, const std::string& reason, Notices& notices);
  void look(const std::string& name, Server& server, const std::string& reason, Notices& notices);

  Services services_;
  std::unordered_map<std::string, Server> servers_;
  std::map<std::string, State> seen_;  ///< of services that the configuration does not name (yet)
  std::optional<std::unordered_map<std::string, State>> before_;  ///< the record; none once it is taken over
  bool initial_servers_ = false;
  bool changed_ = false;
  bool ended_ = false;
};

}  // namespace ballast::scriptd
