#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "common/netlink/monitor.hpp"
#include "common/netlink/socket.hpp"
#include "daemons/forwardd/engine.hpp"
#include "daemons/forwardd/xdp/attach.hpp"
#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/map_writer.hpp"
#include "daemons/forwardd/xdp/next_hop.hpp"
#include "daemons/forwardd/xdp/object.hpp"
#include "daemons/forwardd/xdp/sweeper.hpp"

namespace ballast::forwardd::xdp {

struct EngineOptions {
  std::filesystem::path pin_dir = "/sys/fs/bpf/ballast";
  Tell tell;
  std::function<void()> network_changed;  ///< links or routes changed: reconcile again
};

/// Our own data path: XDP programs and pinned maps, which go on without us.
class XdpEngine final : public Engine {
 public:
  /// Opens what needs more rights than running does; nothing is loaded before the first reconcile.
  static Result<std::unique_ptr<XdpEngine>> open(boost::asio::io_context& io, EngineOptions options);
  ~XdpEngine() override;

  std::vector<Error> reconcile(const DesiredState& desired) override;
  Result<> set_roles(const std::map<std::string, RoleState>& roles) override;
  std::map<std::string, ServerCounters> counters(const std::string& service) override;
  std::vector<bus::ServerTraffic> traffic(const std::string& service) override;
  std::vector<bus::Connection> connections(const ConnectionFilter& filter) override;
  std::vector<bus::DropCount> drops() override;
  Result<std::vector<bus::TraceStep>> trace(const TraceQuery& query) override;
  nlohmann::json about() override;
  Result<> unload() override;

 private:
  XdpEngine(boost::asio::io_context& io, EngineOptions options, netlink::Socket socket);
  Result<> listen();
  Result<> load(const DesiredState& desired);
  Result<> take_over(Object object);
  /// Writes what the plan says, in maps that have room for it.
  void write_services(const DesiredState& desired, std::vector<Error>& errors);
  Plan plan(const DesiredState& desired);
  /// Makes larger maps of services and servers; nothing is seen of them before `attach`.
  Result<> grow(const DesiredState& desired);
  /// What the program that is left counted meanwhile, and where the larger maps are found by a forwardd after this one.
  void settle_growth(std::vector<Error>& errors);
  /// Moves the connections where another size of their table is wanted.
  Result<> resize(const DesiredState& desired, std::vector<Error>& errors);
  void write(const std::vector<Change>& changes, std::vector<Error>& errors);
  void follow_routes(const DesiredState& desired, std::vector<Error>& errors);
  void attach(const DesiredState& desired, std::vector<Error>& errors);
  std::vector<Interface> interfaces_for(const DesiredState& desired, std::vector<Error>& errors);
  std::set<std::string> find_interfaces(const DesiredState& desired);
  void on_link(const netlink::Link& link, bool removed);
  void on_neighbour(const netlink::Neighbour& neighbour, bool removed);
  void routes_changed();
  void next_hops_changed(NetworkChange change);
  [[nodiscard]] FindHop find_hop() const;

  boost::asio::io_context& io_;
  EngineOptions options_;
  netlink::Socket socket_;
  NextHopResolver resolver_{socket_};
  Attachments attachments_;
  std::unique_ptr<netlink::Monitor> monitor_;
  boost::asio::steady_timer settle_;
  bool routes_stale_ = true;
  bool settling_ = false;
  std::optional<Object> object_;
  LoadTable load_;
  FlowTable flows_;
  MappedArray<std::uint64_t> failed_clients_;
  Mirror mirror_;
  bool mirror_stale_ = true;
  bool others_removed_ = false;
  std::optional<Object> outgrown_;  ///< the program still works on its maps
  PlannedServices services_;
  config::SharedList<DesiredService> tracked_;  ///< services whose servers the resolver follows
  std::map<std::string, std::uint32_t> roles_;
  std::unique_ptr<Sweeper> sweeper_;
};

}  // namespace ballast::forwardd::xdp
