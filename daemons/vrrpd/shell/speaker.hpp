#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"
#include "daemons/vrrpd/protocol/codec.hpp"
#include "daemons/vrrpd/protocol/conductor.hpp"
#include "daemons/vrrpd/protocol/instance.hpp"
#include "daemons/vrrpd/shell/address_keeper.hpp"
#include "daemons/vrrpd/shell/advertisement_socket.hpp"
#include "daemons/vrrpd/shell/announcer.hpp"
#include "daemons/vrrpd/shell/doctor.hpp"
#include "daemons/vrrpd/shell/holds.hpp"
#include "daemons/vrrpd/shell/host.hpp"
#include "daemons/vrrpd/shell/kernel_keeper.hpp"
#include "daemons/vrrpd/shell/state_file.hpp"
#include "daemons/vrrpd/shell/timer_queue.hpp"
#include "daemons/vrrpd/shell/trackers.hpp"

namespace ballast::vrrpd {

/// Where the speaker tells what it does. All are set.
struct Outlet {
  std::function<void(const bus::VrrpState&)> publish;
  std::function<void(const std::string& instance)> withdraw;
  std::function<void(const bus::VrrpGroupState&)> publish_group;
  std::function<void(const std::string& group)> withdraw_group;
  std::function<void(bus::Event)> event;
};

struct Counters {
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;  ///< to be sent
  std::uint64_t received = 0;
  std::uint64_t checksum_message = 0;        ///< version 3 over IPv4, RFC 9568's form
  std::uint64_t checksum_pseudo_header = 0;  ///< version 3 over IPv4, RFC 5798's form
  std::uint64_t other_addresses = 0;         ///< they differ from ours
  std::array<std::uint64_t, refused_count> refused{};
};

struct Port;

/// A link of `heartbeat_interface`.
struct HeartbeatPort {
  Port* port = nullptr;
  std::optional<net::IpAddress> source;  ///< none: nothing is sent there
  std::string trouble;                   ///< as told; empty: none
};

/// One running instance and what belongs to it outside the state machine.
struct Router : Member {
  Router(std::uint32_t number, config::VrrpInstance configured);
  [[nodiscard]] bool tracks(const TrackKey& tracker) const;

  std::uint32_t id;
  config::VrrpInstance config;  ///< with what its group tracks
  Port* port = nullptr;         ///< where it hears
  Port* out = nullptr;          ///< where it speaks: the same, but with vmac_xmit_base
  std::vector<HeartbeatPort> heartbeats;
  double since = 0;
  std::optional<net::IpAddress> told_master;  ///< as last published
  std::string told_reason;
  std::optional<std::string> told_need;
  Counters counters;
  std::array<TimePoint, refused_count> refusal_logged{};
  TimePoint other_addresses_logged;
  TimePoint own_heartbeat_logged;
  std::uint64_t rivals = 0;  ///< losing advertisements heard as MASTER
  bool send_failed = false;
  std::string send_error;  ///< the last one
  bool put = false;        ///< its addresses were programmed and have not been taken back
  std::vector<net::IpAddress> advertised;
  std::optional<Authenticator> authenticator;
  TimePoint skew_told;
  std::map<net::Prefix, unsigned> to_announce;  ///< once the kernel has taken the address up; how often
};

/// One interface and family: a socket while the interface is there, and its instances by VRID.
struct Port {
  std::string interface;
  net::Family family{};
  bool virtual_mac = false;  ///< the link of one: it sends from the address of the interface below
  unsigned users = 0;
  std::unique_ptr<AdvertisementSocket> socket;
  std::array<Router*, 256> routers{};
  std::array<Router*, 256> heartbeats{};  ///< of those that live on another interface
};

/// The shell of vrrpd: feeds the instances with what happens on this machine and carries out what they say.
class Speaker : private Conductor {
 public:
  /// Errors: no netlink, no packet socket, the run directory cannot be written.
  static Result<std::unique_ptr<Speaker>> open(boost::asio::io_context& io, std::filesystem::path run_dir,
                                               Outlet outlet);
  ~Speaker() override;

  /// Two instances of one VRID on one interface cannot run; anything else can.
  static Result<> validate(const config::Model& model);
  /// Runs this configuration from now on; what is unchanged notices nothing. Also kept for a start without the bus.
  void apply(const config::Model& model);
  /// An operator has the instance leave its role to another router; none: no longer.
  void hold(const std::string& instance, std::optional<bus::VrrpHold> word) { holds_.set(instance, std::move(word)); }
  /// What scriptd says of a vrrp_script, forwardd of a virtual server.
  void tell(const bus::ScriptState& script);
  void tell(const bus::ServiceState& service);
  /// Priority 0; the addresses stay until another router has taken over, at most `longest_leave`.
  boost::asio::awaitable<void> stop();
  /// The process before died a short while ago in this boot: its last configuration should run at once.
  [[nodiscard]] bool was_interrupted() const;
  [[nodiscard]] nlohmann::json counters() const;
  /// What the doctor wants to know of this moment.
  [[nodiscard]] Consultation consult() const;
  [[nodiscard]] boost::asio::io_context& io() const { return io_; }

 private:
  Speaker(boost::asio::io_context& io, std::filesystem::path run_dir, Outlet outlet);
  Result<> prepare();

  // speaker_config.cpp: configurations
  void stop_router(const std::string& name, const std::string& reason);
  void reconfigure(Router& router, const config::VrrpInstance& settings);
  Router& add_router(const config::VrrpInstance& settings);
  void regroup(const config::Model& model);
  void start_routers(const std::vector<Router*>& fresh, const config::Model& model);
  [[nodiscard]] std::optional<Heritage> heritage(const Router& router) const;
  void tell_links(Router& router);
  void tell_source(Router& router);
  void tell_tracks(Router& router);
  void track_changed(const TrackKey& tracker, const TrackValue& found);
  void open_port(Port& port);
  void save_model(const config::Model& model);
  void hold_changed(const std::string& instance);
  Port& use_port(const std::string& interface, const config::VrrpInstance& settings);
  void release_port(Port& port);

  void look_at_host(HostObservation& host) const;  // speaker_doctor.cpp

  // speaker_heartbeat.cpp
  void use_heartbeats(Router& router);
  void release_heartbeats(Router& router);
  void tell_heartbeats(Router& router);
  void heartbeat_received(Router& router, const Port& port, const Datagram& datagram);
  bool is_our_heartbeat(Router& router, const Port& port, const Datagram& datagram);

  // speaker_kernel.cpp: what the kernel has besides addresses
  [[nodiscard]] KernelPlan kernel_plan() const;
  void make_links(const std::vector<config::VrrpInstance>& instances);
  bool repair_links();
  void schedule_kernel();
  void schedule_routes(const Router& router);
  void sync_kernel();
  void put_statics();
  void tell_need(Router& router);
  [[nodiscard]] std::optional<std::string> need_fault(const config::VrrpInstance& instance) const;
  void know_kernel(const SavedState& before);
  void clear_kernel();

  // speaker.cpp: events and actions
  TimePoint now() override;
  void perform(Member& member, const Action& action) override;
  void settled(Member& member) override;
  void drain(Member& member) override;
  void perform(Router& router, const SendAdvertisement& action);
  void perform(Router& router, const SetTimer& action);
  void perform(Router& router, const Become& action);
  void perform(Router& router, const AnnounceAddresses& action);
  void perform(Router& router, const Note& action);
  void perform(Router& router, const ReleaseAddresses& action);
  void perform(Router& router, const RivalHeard& action);
  void report(Router& router, const Become& change);
  void publish(Router& router);
  void publish(const Group& group);
  void expired(std::uint32_t owner, Timer timer, std::uint64_t generation);
  Result<> send(Router& router, AdvertisementSocket& socket, const net::IpAddress& source,
                const Advertisement& advertisement);
  void received(Port& port, const Datagram& datagram);
  std::optional<Decoded> admit(Router& router, const Datagram& datagram);
  bool has_our_addresses(Router& router, const Decoded& decoded, const Datagram& datagram);
  void refuse(Router& router, const Refusal& refusal);
  void tell_skew(Router& router, const net::IpAddress& source, std::chrono::seconds skew);
  static void log_refusal(const Router& router, TimePoint& logged, const std::string& what);
  void link_changed(const std::string& interface);
  void announce_taken_up(const netlink::Address& address);
  void address_changed(const netlink::Address& address, bool removed);
  void schedule_repair();
  void repair();
  void schedule_save();
  void save_state();

  boost::asio::io_context& io_;
  std::filesystem::path run_dir_;
  Outlet outlet_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<AddressKeeper> keeper_;
  std::unique_ptr<KernelKeeper> kernel_;
  std::vector<Problem> statics_fault_;  ///< static addresses that cannot be there
  std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<Trackers> trackers_;
  TimerQueue timers_;
  Holds holds_;
  std::optional<SignOfLife> life_;
  std::optional<SavedState> before_;  ///< what the process before left, until the first configuration runs
  TimePoint last_life_;
  std::map<std::string, std::unique_ptr<Router>> routers_;
  boost::unordered_flat_map<std::uint32_t, Router*> by_id_;
  std::map<std::pair<std::string, net::Family>, std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Group>> groups_;
  config::Model model_;
  bool configured_ = false;
  std::uint32_t next_id_ = 1;
  std::vector<std::uint8_t> buffer_;
  bool repair_scheduled_ = false;
  bool save_scheduled_ = false;
  bool stopping_ = false;
  boost::asio::steady_timer all_released_;  ///< cancelled once no router holds addresses
  bool kernel_scheduled_ = false;
};

}  // namespace ballast::vrrpd
