#include "tests/sim/plan.hpp"

#include <algorithm>

namespace ballast::vrrpd::sim {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_routers = 4;
constexpr unsigned most_instances = 3;

class Planner {
 public:
  explicit Planner(std::uint64_t seed) : random_{seed} { plan_.heartbeat = Random{~seed}.chance(25); }

  Plan run() {
    shape();
    for (unsigned router = 0; router < plan_.routers; ++router) plan_.settings.push_back(configure(router));
    disturb();
    Duration patience{};
    for (const auto& instances : plan_.settings) patience = std::max<Duration>(patience, instances[0].preempt_delay);
    // A stalled backup listens once more, a master is elected, and one with preempt_delay takes over from it.
    plan_.settled_at = plan_.calm_at + 4 * longest_wait(plan_) + patience + longest_reload_delay();
    plan_.end = plan_.settled_at + 5 * plan_.interval;
    return std::move(plan_);
  }

 private:
  void shape() {
    plan_.routers = 2 + random_.below(most_routers - 1);
    plan_.instances = 1 + random_.below(most_instances);
    plan_.segments = 1 + random_.below(2);
    plan_.grouped = plan_.instances > 1 && random_.chance(40);
    plan_.delay = random_.pick({Duration{100us}, Duration{300us}, Duration{1ms}});
    version_ = random_.chance(30) ? 2 : 3;
    family_ = version_ == 3 && random_.chance(20) ? net::Family::ipv6 : net::Family::ipv4;
    interval_ =
        version_ == 2 ? config::Duration{1s} : random_.pick<config::Duration>({100ms, 200ms, 500ms, 1s, 1s, 1s, 50ms});
    mixed_intervals_ = version_ == 3 && random_.chance(10);
    adverts_ = random_.chance(15) ? 2 + random_.below(4) : default_down_adverts;
    no_answer_ = random_.chance(10);
    preemption_ = random_.below(4);
    equal_ = random_.chance(25);
    owner_ = random_.chance(5);
    plan_.interval = interval_;
  }

  std::vector<config::VrrpInstance> configure(unsigned router) {
    std::vector<config::VrrpInstance> all;
    auto base = common(router);
    for (unsigned i = 0; i < plan_.instances; ++i) {
      auto one = base;
      one.name = fmt::format("VI_{}", i);
      one.interface = interface_of(i % plan_.segments);
      if (plan_.heartbeat) one.heartbeat_interfaces = {interface_of(plan_.segments)};
      one.virtual_router_id = static_cast<std::uint8_t>(51 + i);
      const auto vip = family_ == net::Family::ipv4 ? fmt::format("10.{}.0.{}/24", i % plan_.segments, 100 + i)
                                                    : fmt::format("fe80::{}/64", 100 + i);
      one.virtual_addresses.push_back({net::Prefix::parse(vip).value(), one.interface, {}, {}, {}});
      if (!plan_.grouped && base.priority != priority_owner) one.priority = pick_priority();
      all.push_back(std::move(one));
    }
    return all;
  }

  config::VrrpInstance common(unsigned router) {
    config::VrrpInstance base;
    base.version = static_cast<std::uint8_t>(version_);
    base.family = family_;
    base.advert_interval = mixed_intervals_ ? random_.pick<config::Duration>({100ms, 300ms, 1s}) : interval_;
    plan_.interval = std::max<Duration>(plan_.interval, base.advert_interval);
    base.priority = pick_priority();
    if (owner_ && router == 0) base.priority = priority_owner;
    base.preempt = preemption_ == 0 ? false : preemption_ == 1 ? random_.chance(50) : true;
    if (base.preempt && random_.chance(15)) base.preempt_delay = base.advert_interval * (1 + random_.below(6));
    base.election.down_timer_adverts = adverts_;
    base.election.lower_prio_no_advert = no_answer_;
    base.announce.lower_prio_delay = base.advert_interval * (1 + random_.below(3));
    base.announce.delay = random_.chance(50) ? base.advert_interval * 5 : config::Duration{};
    if (random_.chance(40)) {
      const int weight = random_.chance(30) ? 0 : static_cast<int>(random_.below(120)) - 60;
      base.track_interfaces.push_back({tracked_interface, weight, random_.chance(10)});
    }
    return base;
  }

  std::uint8_t pick_priority() {
    if (equal_) return 100;
    return random_.pick<std::uint8_t>({50, 90, 100, 101, 150, 200, 254, 1});
  }

  void disturb() {
    const unsigned count = 1 + random_.below(8);
    const Duration span = plan_.interval * (6 + random_.below(20));
    for (unsigned i = 0; i < count; ++i) plan_.disturbances.push_back(one_disturbance(span));
    std::ranges::sort(plan_.disturbances, {}, &Disturbance::at);
    plan_.calm_at = span;
    for (const auto& each : plan_.disturbances) plan_.calm_at = std::max(plan_.calm_at, each.at + each.length);
    plan_.calm_at += 1ms;
  }

  Disturbance one_disturbance(Duration span) {
    Disturbance one;
    one.at = random_.between(0ms, span);
    // From far below an interval to far above the longest wait, each order of magnitude as often as the next.
    one.length = random_.between(1us, plan_.interval / 16) * (1 << random_.below(8));
    one.what = static_cast<Trouble>(random_.below(trouble_count));
    one.router = random_.below(plan_.routers);
    one.other = random_.below(plan_.routers - 1);
    if (one.what == Trouble::partition)
      ++one.other;
    else if (one.other >= one.router)
      ++one.other;
    one.segment = random_.below(plan_.all_segments());
    one.percent = random_.pick({5U, 20U, 50U, 90U});
    one.delay = random_.between(plan_.delay, plan_.interval * 2 / 5);
    one.lasts = random_.chance(10);
    one.dice = random_.next();
    return one;
  }

  /// What `change` may set.
  [[nodiscard]] Duration longest_reload_delay() const {
    const bool any = std::ranges::any_of(plan_.disturbances, [](auto& one) { return one.what == Trouble::reload; });
    return any ? 3 * plan_.interval : Duration{};
  }

  Random random_;
  Plan plan_;
  unsigned version_ = 3;
  net::Family family_{};
  config::Duration interval_{};
  bool mixed_intervals_ = false;
  unsigned adverts_ = default_down_adverts;
  bool no_answer_ = false;
  unsigned preemption_ = 0;
  bool equal_ = false;
  bool owner_ = false;
};

}  // namespace

std::string_view name_of(Trouble trouble) {
  constexpr std::array<std::string_view, trouble_count> names{"crash",
                                                              "crash with withdrawal",
                                                              "clean stop",
                                                              "stall",
                                                              "freeze",
                                                              "clock jump",
                                                              "loss",
                                                              "slow",
                                                              "duplicates",
                                                              "cut",
                                                              "partition",
                                                              "link down",
                                                              "tracked interface down",
                                                              "reload"};
  return names[static_cast<std::size_t>(trouble)];
}

Plan make_plan(std::uint64_t seed) { return Planner{seed}.run(); }

void change(std::vector<config::VrrpInstance>& settings, Random random) {
  const auto what = random.below(3);
  const auto priority = random.pick<std::uint8_t>({50, 100, 150, 200, 254});
  const auto interval = settings.front().advert_interval;
  for (auto& instance : settings) {
    if (what == 0 && instance.priority != priority_owner) instance.priority = priority;
    if (what == 1) instance.preempt = !instance.preempt;
    if (what == 2 && instance.version == 3) instance.advert_interval = interval > 100ms ? interval / 2 : interval;
    if (what == 2 && instance.version == 2) instance.preempt_delay = interval * random.below(4);
  }
}

Duration longest_wait(const Plan& plan) {
  const auto& any = plan.settings.front().front();
  return master_down_interval(any.version, 1, plan.interval, any.election.down_timer_adverts);
}

net::IpAddress address_of(unsigned router, unsigned segment, net::Family family) {
  const auto text = family == net::Family::ipv4 ? fmt::format("10.{}.0.{}", segment, router + 1)
                                                : fmt::format("fe80::{}:{}", segment + 1, router + 1);
  return net::IpAddress::parse(text).value();
}

std::string interface_of(unsigned segment) { return fmt::format("eth{}", segment); }

}  // namespace ballast::vrrpd::sim
