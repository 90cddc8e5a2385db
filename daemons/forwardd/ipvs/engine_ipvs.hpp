#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <set>

#include "daemons/forwardd/ipvs/kernel.hpp"
#include "daemons/forwardd/ipvs/record.hpp"

namespace ballast::forwardd::ipvs {

struct EngineOptions {
  std::filesystem::path record;  ///< what of IPVS is ours, for a forwardd after this one
  std::function<Result<std::unique_ptr<Kernel>>()> open = open_kernel;
  std::function<void(bus::Event)> tell{};
  std::function<void()> failed{};  ///< what others changed could not be put right: reconcile again
  std::filesystem::path sysctls = "/proc/sys/net/ipv4/vs";
  std::filesystem::path connections = "/proc/net/ip_vs_conn";
  std::chrono::milliseconds look_again{1000};  ///< after what others do in IPVS: the kernel tells nobody
};

/// The kernel's IPVS. Services that are in the configuration are ours, and those that were; all others are left alone.
/// What forwardd has set up goes on without it.
class IpvsEngine final : public Engine {
 public:
  IpvsEngine(boost::asio::io_context& io, EngineOptions options);

  /// Whether a former forwardd has left something that a reconciliation should know of.
  [[nodiscard]] bool has_record() const { return record_.exists(); }

  std::vector<Error> reconcile(const DesiredState& desired) override;
  Result<> set_roles(const std::map<std::string, RoleState>& roles) override;
  std::map<std::string, ServerCounters> counters(const std::string& service) override;
  std::vector<bus::Connection> connections(const ConnectionFilter& filter) override;
  std::vector<bus::DropCount> drops() override { return {}; }
  Result<std::vector<bus::TraceStep>> trace(const TraceQuery& query) override;
  nlohmann::json about() override;
  Result<> unload() override;
  /// The service that has an address, if one has.
  [[nodiscard]] const DesiredService* find(config::Protocol protocol, const net::Endpoint& destination) const;

  /// Compares what the kernel holds with what it should, and puts it right. Done all `look_again` by itself.
  void look();

 private:
  using Shared = config::SharedList<DesiredService>::Shared;
  /// A service of the configuration, and what it is in IPVS.
  struct Kept {
    Shared desired;
    std::vector<ServiceKey> keys;
    bool failed = false;  ///< not all of it could be done
  };

  [[nodiscard]] const DesiredService* find_by_mark(const net::Endpoint& server) const;
  Result<> open(const DesiredState& desired);
  Result<> read(const std::set<ServiceKey>& keys);
  void want(const DesiredState& desired, std::vector<Change>& changes);
  void apply(const std::vector<Change>& changes, std::vector<Error>& errors);
  std::string explain(const Change& change, int error) const;
  void set_timeouts(const DesiredState& desired, std::vector<Error>& errors);
  void set_sysctls(const DesiredState& desired, std::vector<Error>& errors);
  Result<> follow_role();
  [[nodiscard]] std::optional<std::vector<Syncer>> wanted_syncers() const;
  Result<> set_syncers(const std::vector<Syncer>& wanted);
  bool look_at_services();
  bool look_at_destinations();
  void put_right(const std::set<ServiceKey>& keys);
  void notice(std::string message);
  void await_look();
  void save_record();

  EngineOptions options_;
  Record record_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::duration looked_for_{};  ///< how long the last look took
  std::unique_ptr<Kernel> kernel_;
  std::map<std::string, Kept> services_;
  Table wanted_;
  Table there_;                              ///< of ours, as last read or written
  std::map<ServiceKey, std::string> names_;  ///< of services, by what they are in IPVS
  ServiceKey looked_at_;                     ///< the last whose servers were compared
  std::optional<Timeouts> timeouts_set_;
  std::optional<config::SyncDaemon> sync_daemon_;
  bool syncs_ = false;  ///< a sync daemon is ours
  std::map<std::string, RoleState> roles_;
  std::set<std::string> sysctls_;
};

}  // namespace ballast::forwardd::ipvs
