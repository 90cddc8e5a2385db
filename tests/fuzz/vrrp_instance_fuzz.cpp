// Any events at any times: the state machine and its groups keep what they promise at each step.
#include <array>
#include <memory>
#include <span>

#include "daemons/vrrpd/protocol/conductor.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ballast;
using namespace ballast::vrrpd;
using namespace std::chrono_literals;

/// Bytes as numbers; zeros once they are used up.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }
  /// From a nanosecond to half a minute, by orders of magnitude.
  Duration span() {
    const auto value = byte();
    return Duration{(value & 15) + 1} * (std::int64_t{1} << (value >> 4) * 2);
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

net::IpAddress address(std::uint8_t last) { return net::IpAddress::parse(fmt::format("10.0.0.{}", last)).value(); }

struct Station : Member {
  using Member::Member;
  Role role = Role::init;
  std::array<std::optional<SetTimer>, timer_count> timers{};
};

class Machine : public Conductor {
 public:
  explicit Machine(Input& input) : input_{input} {
    const bool grouped = input.flag();
    for (auto& station : stations_) station = std::make_unique<Station>(settings());
    if (!grouped) return;
    for (auto& station : stations_) {
      station->group = &group_;
      station->core.set_grouped(true);
      group_.members.push_back(station.get());
    }
  }

  void step() {
    now_ += input_.span() * 16;
    auto& station = *stations_[input_.byte() % stations_.size()];
    event(station);
    for (const auto& each : stations_) check(*each);
  }

 private:
  config::VrrpInstance settings() {
    config::VrrpInstance made;
    made.name = "VI";
    made.interface = "eth0";
    made.virtual_router_id = 51;
    made.version = input_.flag() ? 3 : 2;
    made.priority = std::max<std::uint8_t>(input_.byte(), 1);
    made.advert_interval = made.version == 2 ? config::Duration{1s} : config::Duration{10ms} * (1 + input_.byte());
    made.preempt = input_.flag();
    made.preempt_delay = 100ms * (input_.byte() % 8);
    made.election.down_timer_adverts = 1 + input_.byte() % 5;
    made.election.lower_prio_no_advert = input_.flag();
    made.election.higher_prio_send_advert = input_.flag();
    made.announce.refresh = 1s * (input_.byte() % 3);
    made.announce.lower_prio_delay = 1s * (input_.byte() % 3);
    made.track_interfaces.push_back({"eth1", static_cast<int>(input_.byte() % 100) - 50, input_.flag()});
    made.virtual_addresses.push_back({net::Prefix::parse("10.0.0.100/24").value(), "eth0", {}, {}, {}});
    return made;
  }

  void event(Station& station) {
    switch (input_.byte() % 11) {
      case 0:
        return start({{&station, Heritage{input_.flag() ? Role::master : Role::backup, input_.span()}}},
                     input_.flag() ? input_.span() : Duration{});
      case 1:
        return dispatch(station, Stop{"asked to", input_.flag()});
      case 2: {
        const auto priority = input_.byte();
        return dispatch(station, Received{priority, 10ms * (1 + input_.byte()), address(1 + input_.byte() % 9)});
      }
      case 3:
        return dispatch(station, LinkChanged{input_.flag() ? "eth0" : "eth1", input_.flag(), "a link changed"});
      case 4:
        return dispatch(station, SourceChanged{input_.flag() ? std::optional{address(5)} : std::nullopt, "a source"});
      case 5:
        return dispatch(station, Reconfigured{settings()});
      case 6:
        return stale(station);
      case 7:
        return conductor_settle();
      case 8: {
        const auto priority = input_.byte();
        const auto source = address(1 + input_.byte() % 9);
        return dispatch(station, HeartbeatHeard{input_.flag() ? "eth2" : "eth3", priority, 10ms * (1 + input_.byte()),
                                                source, address(5)});
      }
      default:
        return wait(station);
    }
  }

  void conductor_settle() { Conductor::settle(group_); }

  /// Whatever timer comes, of whatever generation.
  void stale(Station& station) { expire(station, static_cast<Timer>(input_.byte() % timer_count), input_.byte()); }

  /// Until a timer of the station is due, and somewhat longer.
  void wait(Station& station) {
    auto& timer = station.timers[input_.byte() % timer_count];
    if (!timer) return;
    const auto due = *std::exchange(timer, std::nullopt);
    now_ = std::max(now_, due.at) + input_.span();
    expire(station, due.timer, due.generation);
  }

  static void check(const Station& station) {
    const auto& core = station.core;
    const auto set = [&](Timer timer) { return station.timers[static_cast<std::size_t>(timer)].has_value(); };
    require(core.role() == station.role, "every change of role is told");
    require(core.priority() > 0, "a priority in effect is not 0");
    if (core.role() == Role::master) {
      require(core.holds_addresses(), "a MASTER has its addresses");
      require(set(Timer::advertisement), "a MASTER will advertise");
    }
    if (core.role() == Role::backup) require(set(Timer::master_down), "a BACKUP will not wait for ever");
    if (core.role() == Role::fault) require(!core.holds_addresses(), "FAULT holds no addresses");
    if (core.role() != Role::master && core.holds_addresses())
      require(set(Timer::release), "addresses will be released");
  }

  TimePoint now() override { return now_; }
  void settled(Member&) override {}
  void drain(Member&) override {}
  void perform(Member& member, const Action& action) override {
    auto& station = static_cast<Station&>(member);
    if (const auto* timer = std::get_if<SetTimer>(&action)) {
      require(timer->at >= now_, "no timer is set in the past");
      station.timers[static_cast<std::size_t>(timer->timer)] = *timer;
    }
    if (const auto* send = std::get_if<SendAdvertisement>(&action)) {
      require(send->priority == priority_leaving || send->priority == station.core.priority(),
              "the priority in effect is advertised, or 0");
    }
    if (const auto* change = std::get_if<Become>(&action)) {
      require(change->from == std::exchange(station.role, change->to), "a change starts where the last one ended");
      require(change->from != change->to, "a change is one");
      require(!change->reason.empty(), "a change has a reason");
    }
    if (std::holds_alternative<ReleaseAddresses>(action))
      require(station.role != Role::master, "a MASTER keeps its addresses");
    if (std::holds_alternative<AnnounceAddresses>(action))
      require(station.role == Role::master, "only a MASTER announces");
  }

  Input& input_;
  TimePoint now_{1h};
  Group group_{"VG", {}};
  std::array<std::unique_ptr<Station>, 2> stations_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int most_steps = 400;
  Input input{{data, size}};
  Machine machine{input};
  for (int i = 0; i < most_steps && !input.empty(); ++i) machine.step();
  return 0;
}
