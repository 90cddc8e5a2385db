#pragma once
// One virtual router: the state machine of RFC 9568 section 6.4, without a socket, a clock or a timer of its own.
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"
#include "daemons/vrrpd/protocol/heartbeat.hpp"
#include "daemons/vrrpd/protocol/timing.hpp"
#include "daemons/vrrpd/protocol/tracking.hpp"

namespace ballast::vrrpd {

using Role = bus::VrrpRole;

enum class Timer : std::uint8_t {
  advertisement,     ///< MASTER: the next advertisement is due
  master_down,       ///< BACKUP: the master has been silent for too long
  announce_again,    ///< MASTER: the second burst after becoming it
  announce_refresh,  ///< MASTER: the periodic one, if configured
  announce_rival,    ///< MASTER: the burst after a losing advertisement was heard
  release,           ///< no longer MASTER: the addresses are taken away
  startup,           ///< INIT: the delay before it takes part
  announce_extra,    ///< MASTER: the periodic one for switches behind other interfaces, if configured
};
constexpr std::size_t timer_count = 8;

/// From hearing the new master until the old one's addresses go. Its gratuitous ARP follows its advertisement within a
/// few milliseconds; its neighbour advertisements wait until the kernel has taken the address up, on a busy machine
/// some tens of them. What clients send until they have heard it is served.
constexpr Duration handover_linger = std::chrono::milliseconds{50};
/// An advertisement may leave by this part of the interval earlier when others leave: the advertisements of many
/// instances draw together, so that a machine with hundreds of them wakes up a few times an interval.
constexpr int early_advertisement_part = 16;
/// Bursts of announcements about rivals keep this distance, and still come within the linger of a rival that yields.
constexpr Duration between_bursts = handover_linger / 2;
/// A router that stops waits at most so long for the new master: a backup of the least priority takes over within one
/// interval of the version's (RFC 9568 section 6.1), and a machine that shuts down has no more patience than this.
constexpr Duration longest_leave = std::chrono::seconds{3};

// What happens to an instance.

/// Begin; `continued` says why the role of MASTER is taken up again at once (after a restart within the time), `delay`
/// how long it waits before it takes part at all.
struct Start {
  std::optional<std::string> continued;
  Duration delay{};
};
/// End; `linger`: a MASTER keeps its addresses until another one is heard (at most `longest_leave`), see
/// ReleaseAddresses.
struct Stop {
  std::string reason;
  bool linger = false;
};
/// An interface that this instance lives on or tracks; `reason` says what is the matter ("eth0 has no carrier", "eth0
/// is up").
struct LinkChanged {
  std::string interface;
  bool up = false;
  std::string reason;
};
/// The address advertisements are sent from, or none yet, and what is the matter then.
struct SourceChanged {
  std::optional<net::IpAddress> address;
  std::string reason;
};
/// What this instance needs of the kernel besides (its virtual MAC, a static object that it tracks): what is the matter
/// with it, or none.
struct NeedChanged {
  std::optional<std::string> fault;
};
/// What a tracker (script, file, process, service, route, gateway) found. Before its start an instance waits for the
/// first word of those without a weight.
struct TrackChanged {
  TrackKey tracker;
  TrackValue found;
};
/// An advertisement that passed the receive checks.
struct Received {
  std::uint8_t priority = 0;
  Duration interval{};
  net::IpAddress source;
};
/// An advertisement that came over a heartbeat link instead, and passed the same checks.
struct HeartbeatHeard {
  std::string interface;
  std::uint8_t priority = 0;
  Duration interval{};
  net::IpAddress source;
  net::IpAddress own;  ///< our address on that link
};
/// A timer's time has come; of another generation than the one last set it does nothing.
struct Expired {
  Timer timer{};
  std::uint64_t generation = 0;
};
/// New settings that need no restart: priority, interval, preemption, addresses, announcements, tracked interfaces.
struct Reconfigured {
  config::VrrpInstance settings;
};
enum class GroupCommand : std::uint8_t { fault, release, backup, master };
/// The sync group says so.
struct GroupOrder {
  GroupCommand command{};
  std::string reason;
};
/// A person wants another router to be MASTER: this one yields, keeps its addresses until another one is heard, and has
/// the least priority from now on, so that it still takes over from nobody. Without a reason: no longer.
struct Held {
  std::optional<std::string> reason;
};
using Event = std::variant<Start, Stop, LinkChanged, SourceChanged, NeedChanged, TrackChanged, Received, HeartbeatHeard,
                           Expired, Reconfigured, GroupOrder, Held>;

// What is to be done about it, in this order.

struct SendAdvertisement {
  std::uint8_t priority = 0;
  bool operator==(const SendAdvertisement&) const = default;
};
struct SetTimer {
  Timer timer{};
  TimePoint at;
  std::uint64_t generation = 0;
  Duration early{};  ///< it may expire so much earlier, when others do anyway
  bool operator==(const SetTimer&) const = default;
};
/// The role has changed. MASTER: program the virtual addresses; they stay until ReleaseAddresses.
struct Become {
  Role from{};
  Role to{};
  std::string reason;
  bool operator==(const Become&) const = default;
};
/// Remove the virtual addresses: at once after a fault, after `handover_linger` when another master has been heard.
struct ReleaseAddresses {
  bool operator==(const ReleaseAddresses&) const = default;
};
/// A MASTER heard another one's losing advertisement (each time): keepalived's notify_master_rx_lower_pri.
struct RivalHeard {
  net::IpAddress address;
  std::uint8_t priority = 0;
  bool operator==(const RivalHeard&) const = default;
};
/// Gratuitous ARP or unsolicited NA, this many for each virtual address.
struct AnnounceAddresses {
  unsigned repeat = 0;
  bool elsewhere = false;  ///< only those on other interfaces than the instance's
  bool operator==(const AnnounceAddresses&) const = default;
};
/// Something a person should know, the role being the same.
struct Note {
  bool warning = false;
  std::string text;
  bool operator==(const Note&) const = default;
};
using Action = std::variant<SendAdvertisement, SetTimer, Become, AnnounceAddresses, Note, ReleaseAddresses, RivalHeard>;
using Actions = boost::container::small_vector<Action, 4>;

/// The state machine. `now` never goes back from one event to the next.
class Instance {
 public:
  /// `grouped`: a sync group's member waits for the group before it becomes MASTER (see SyncGroup).
  explicit Instance(config::VrrpInstance settings, bool grouped = false);

  Actions on(const Event& event, TimePoint now);

  [[nodiscard]] const config::VrrpInstance& settings() const { return settings_; }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// In effect, tracked interfaces' weights included (1 to 254, 255 for the owner).
  [[nodiscard]] std::uint8_t priority() const { return priority_; }
  /// The master as last heard, our own source when MASTER.
  [[nodiscard]] std::optional<net::IpAddress> master() const;
  [[nodiscard]] const std::optional<net::IpAddress>& source() const { return source_; }
  /// Why this instance cannot run by itself (link, source, tracked interface), the group left aside.
  [[nodiscard]] std::optional<std::string> own_fault() const;
  [[nodiscard]] bool held_by_group() const { return group_fault_.has_value(); }
  /// A grouped BACKUP whose master is gone, waiting for the other members; and since why.
  [[nodiscard]] const std::optional<std::string>& wants_master() const { return wants_master_; }
  /// Its addresses are on the interfaces: MASTER, or shortly after.
  [[nodiscard]] bool holds_addresses() const { return holds_; }
  /// How long a silence it bears.
  [[nodiscard]] Duration down_interval() const;
  /// Longer than so behind its time, and a MASTER cannot know whether another took over.
  [[nodiscard]] Duration lapse_limit() const;
  /// When that timer expires; of the last time it was set.
  [[nodiscard]] TimePoint due(Timer timer) const { return timers_[static_cast<std::size_t>(timer)].at; }
  void set_grouped(bool grouped) { grouped_ = grouped; }

 private:
  struct LinkState {
    bool up = false;
    std::string reason;
  };
  struct Heard {
    net::IpAddress address;
    std::uint8_t priority = 0;
  };
  /// Another MASTER that should yield to us.
  struct Rival {
    Heard who;
    TimePoint since;
    bool told = false;   ///< it is no predecessor whose last words were on their way
    bool again = false;  ///< heard since the last announcement
  };

  /// A start that waits, and why the role of MASTER is taken up again then.
  struct Beginning {
    std::optional<std::string> continued;
  };
  void begin(const std::optional<std::string>& continued);
  void begin_waiting();
  void release();
  void handle(const Start& event);
  void handle(const Stop& event);
  void handle(const LinkChanged& event);
  void handle(const SourceChanged& event);
  void handle(const NeedChanged& event);
  void handle(const TrackChanged& event);
  void handle(const Received& event);
  void handle(const HeartbeatHeard& event);
  void handle(const Expired& event);
  void handle(const Reconfigured& event);
  void handle(const GroupOrder& event);
  void handle(const Held& event);

  void heard_as_backup(const Received& event);
  void master_left(const net::IpAddress& source);
  void heard_as_master(const Received& event);
  void heard_rival(const Received& event);
  void heard_leaving_rival();
  void heard_as_leaver(const Received& event);
  void answer();
  void yield(const std::string& reason);
  void announce_rival();
  void rival_pause_over();
  void end_of_rival();
  void notice_pause();
  [[nodiscard]] Duration rival_pause() const;
  [[nodiscard]] bool yields_after_pause() const;
  void advertisement_due(TimePoint was_due);
  void master_silent(TimePoint was_due);
  [[nodiscard]] bool preempts(const Received& event);
  [[nodiscard]] std::string silence() const;

  // instance_heartbeat.cpp
  void heartbeat_left(const HeartbeatHeard& event);
  void heartbeat_as_master(Pulse& pulse, const net::IpAddress& own);
  void bear_with(const Pulse& pulse);
  void hears_again();
  void look_at_heartbeats();

  /// Looks at faults and weights anew; `trigger` is the reason when it leaves FAULT.
  void evaluate(const std::string& trigger);
  void run(const std::string& reason);
  void become(Role role, const std::string& reason);
  void become_master(const std::string& reason);
  void become_backup(const std::string& reason);
  void hand_over(const std::string& reason);
  void advertise(std::uint8_t priority);
  void announce(unsigned repeat);
  void set(Timer timer, TimePoint at);
  void cancel(Timer timer);
  [[nodiscard]] Duration early(Timer timer) const;
  void note(bool warning, std::string text);
  [[nodiscard]] Duration skew() const;
  [[nodiscard]] Duration master_interval() const;
  [[nodiscard]] std::uint8_t effective_priority() const;
  [[nodiscard]] bool link_up(const std::string& interface) const;
  [[nodiscard]] std::string link_reason(const std::string& interface) const;

  config::VrrpInstance settings_;
  bool grouped_;
  bool started_ = false;
  Role role_ = Role::init;
  std::string reason_ = "not started";
  std::uint8_t priority_;
  std::map<std::string, LinkState, std::less<>> links_;
  std::optional<net::IpAddress> source_;
  std::string source_reason_;
  std::optional<std::string> need_fault_;
  TrackBoard board_;
  std::optional<Beginning> waiting_;  ///< to begin once the trackers have spoken
  std::optional<std::string> group_fault_;
  std::optional<std::string> held_;
  std::optional<std::string> wants_master_;

  std::optional<Heard> master_;               ///< BACKUP: who is it
  std::optional<net::IpAddress> left_;        ///< who said priority 0
  std::optional<Duration> learned_interval_;  ///< version 3: as the master we bear with advertises it
  TimePoint silent_since_;                    ///< BACKUP: the last sign of a master, or the beginning
  TimePoint listens_until_;                   ///< BACKUP after a pause
  std::optional<TimePoint> preempt_at_;       ///< preempt_delay's end, once a lower master was heard
  bool preempting_ = false;                   ///< BACKUP: the master last heard is to be replaced
  TimePoint advertised_;                      ///< the last advertisement of ours
  TimePoint bursts_since_;                    ///< MASTER: of announcements about rivals, the first that counts
  unsigned bursts_ = 0;                       ///< and how many since
  TimePoint announced_;                       ///< MASTER: the last burst
  TimePoint master_since_;                    ///< MASTER: when it took over
  std::optional<Rival> rival_;                ///< MASTER: while there are two
  Heartbeats heartbeats_;
  bool deaf_ = false;  ///< BACKUP: the master is heard on a heartbeat link alone
  struct HeartbeatLink {
    TimePoint heard;    ///< or the beginning
    bool told = false;  ///< that it is silent
  };
  std::map<std::string, HeartbeatLink, std::less<>> heartbeat_links_;
  bool holds_ = false;
  bool resuming_ = false;           ///< MASTER after a pause: listens before it speaks
  bool own_address_heard_ = false;  ///< noted already

  struct Deadline {
    TimePoint at;
    std::uint64_t generation = 0;
    bool armed = false;
  };
  Deadline& deadline(Timer timer) { return timers_[static_cast<std::size_t>(timer)]; }
  std::array<Deadline, timer_count> timers_{};
  Actions* actions_ = nullptr;  ///< of the event at hand
  TimePoint now_;
};

}  // namespace ballast::vrrpd
