#pragma once
// An instance with a clock of the test's own: `after(3s)` moves it, firing the timers that come due on the way.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

using namespace std::chrono_literals;

inline net::IpAddress ip(std::string_view text) { return net::IpAddress::parse(text).value(); }

inline config::VrrpInstance settings(std::uint8_t priority = 100, std::uint8_t version = 3) {
  config::VrrpInstance settings;
  settings.name = "VI_1";
  settings.interface = "eth0";
  settings.virtual_router_id = 51;
  settings.priority = priority;
  settings.version = version;
  settings.virtual_addresses.push_back({net::Prefix::parse("10.0.0.100/24").value(), "eth0", {}, {}, {}});
  return settings;
}

class Scenario {
 public:
  explicit Scenario(config::VrrpInstance configured = settings(), bool grouped = false)
      : instance{std::move(configured), grouped} {}

  /// Starts on a link that is up with the address 10.0.0.5.
  Scenario& start() {
    on(LinkChanged{"eth0", true, "eth0 is up"});
    on(SourceChanged{ip("10.0.0.5"), "sends from 10.0.0.5"});
    return on(Start{});
  }

  Scenario& on(const Event& event) {
    for (const auto& action : instance.on(event, now)) take(action);
    return *this;
  }

  Scenario& hears(std::string_view from, std::uint8_t priority, Duration interval = 1s) {
    return on(Received{priority, interval, ip(from)});
  }

  /// Lets time pass, each timer firing at its time.
  Scenario& after(Duration span) {
    const auto until = now + span;
    while (true) {
      const auto next =
          std::ranges::min_element(timers, {}, [](const auto& t) { return t ? t->at : TimePoint::max(); });
      if (!*next || (*next)->at > until) break;
      const SetTimer due = **next;
      next->reset();
      now = std::max(now, due.at);
      on(Expired{due.timer, due.generation});
    }
    now = until;
    return *this;
  }

  /// The machine stands still: time passes and nothing fires until its end.
  Scenario& stalls(Duration span) {
    now += span;
    return after(0s);
  }

  /// What has been done since the last call.
  std::vector<std::string> did() { return std::exchange(log, {}); }
  [[nodiscard]] std::size_t count(std::string_view what) const {
    return static_cast<std::size_t>(std::ranges::count(log, what));
  }
  [[nodiscard]] TimePoint due(Timer timer) const {
    const auto& found = timers[static_cast<std::size_t>(timer)];
    return found ? found->at : TimePoint::max();
  }

  Instance instance;
  TimePoint now{1h};
  std::vector<std::string> log;
  std::array<std::optional<SetTimer>, timer_count> timers{};

 private:
  void take(const Action& action) {
    if (const auto* timer = std::get_if<SetTimer>(&action)) timers[static_cast<std::size_t>(timer->timer)] = *timer;
    if (const auto* send = std::get_if<SendAdvertisement>(&action))
      log.push_back(fmt::format("send {}", send->priority));
    if (const auto* burst = std::get_if<AnnounceAddresses>(&action))
      log.push_back(fmt::format("announce {}{}", burst->repeat, burst->elsewhere ? " elsewhere" : ""));
    if (std::holds_alternative<ReleaseAddresses>(action)) log.emplace_back("release");
    if (const auto* rival = std::get_if<RivalHeard>(&action))
      log.push_back(fmt::format("rival {} with {}", rival->address, rival->priority));
    if (const auto* note = std::get_if<Note>(&action)) log.push_back("note: " + note->text);
    if (const auto* change = std::get_if<Become>(&action)) {
      log.push_back(fmt::format("{} -> {} ({})", change->from, change->to, change->reason));
    }
  }
};

}  // namespace ballast::vrrpd
