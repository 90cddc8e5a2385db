#include "daemons/checkd/supervisor.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"
#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/schedule.hpp"
#include "daemons/checkd/waiting.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

constexpr config::Duration slow_delay_loop = std::chrono::seconds{60};  // keepalived's default

/// The slowest check that leaves its interval at keepalived's default or above.
const config::Check* slowest(const config::Model& model) {
  const config::Check* found = nullptr;
  for (const auto& service : model.virtual_servers) {
    for (const auto& server : service.real_servers) {
      for (const auto& check : server.checks) {
        if (check.delay_loop < slow_delay_loop) continue;
        if (found == nullptr || detection_time(check) > detection_time(*found)) found = &check;
      }
    }
  }
  return found;
}

}  // namespace

struct Supervisor::Run {
  Run(const Surroundings& surroundings, const Started& started)
      : id(started.id), interval(started.check.delay_loop), checker(make_checker(surroundings, started.check)) {}
  void stop() {
    stopped = true;
    nap.drop();
  }
  CheckId id;
  config::Duration interval;
  std::unique_ptr<Checker> checker;
  Nap nap;
  bool stopped = false;
};

Supervisor::Supervisor(asio::io_context& io, Sink sink, decltype(Surroundings::ask_scriptd) ask_scriptd)
    : io_(io), sink_(std::move(sink)), surroundings_{io.get_executor(), std::move(ask_scriptd)}, hold_(io) {}

Supervisor::~Supervisor() { stop(); }

void Supervisor::apply(const config::Model& model, Suspended suspended) {
  model_ = model;
  suspended_ = std::move(suspended);
  carry_out(board_.apply(model_, runtime::unix_time(), suspended_));
  if (const auto* check = said_slow_ ? nullptr : slowest(model); check != nullptr) {
    said_slow_ = true;
    log::notice(
        "checks every {} find a silent death after up to {} (delay_loop 1 and connect_timeout 1 find it within {})",
        in_words(check->delay_loop), in_words(detection_time(*check)),
        in_words(std::chrono::seconds{2 + check->retry} + check->retry * check->delay_before_retry));
  }
}

void Supervisor::suspend(Suspended suspended) {
  if (suspended == suspended_) return;
  suspended_ = std::move(suspended);
  carry_out(board_.apply(model_, runtime::unix_time(), suspended_));
}

void Supervisor::carry_out(const Plan& plan) {
  for (const auto id : plan.stop) {
    const auto run = runs_.extract(id);
    run.mapped()->stop();
  }
  for (const auto& key : plan.withdraw) sink_.withdraw(key);
  tell(plan.news);
  for (const auto& started : plan.start) start(started);
  log::info("{} checks running: {} started, {} stopped", runs_.size(), plan.start.size(), plan.stop.size());
}

void Supervisor::stop() {
  for (auto& [id, run] : std::exchange(runs_, {})) run->stop();
  hold_.cancel();
}

void Supervisor::on_traffic(const bus::ServiceTraffic& traffic) {
  carry_out(board_.on_traffic(traffic, runtime::unix_time()));
}

void Supervisor::carry_out(const Board::Passive& passive) {
  tell(passive.news);
  for (const auto id : passive.probe) {
    if (const auto run = runs_.find(id); run != runs_.end()) run->second->nap.wake();  // one under way does as well
  }
  await_hold();
}

void Supervisor::await_hold() {
  hold_.cancel();
  const auto next = board_.next_hold();
  if (!next) return;
  const std::chrono::duration<double> left{std::max(*next - runtime::unix_time(), 0.0)};
  hold_.expires_after(std::chrono::ceil<std::chrono::milliseconds>(left));
  hold_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) carry_out(board_.on_hold_end(runtime::unix_time()));
  });
}

double Supervisor::chance() { return std::uniform_real_distribution<>{0.0, 1.0}(random_); }

void Supervisor::start(const Started& started) {
  const auto run = std::make_shared<Run>(surroundings_, started);
  runs_.emplace(started.id, run);
  if (!run->checker) return;  // none in this version
  const auto wait = board_.first_delay(started.id, chance());
  asio::co_spawn(io_, loop(this, run, wait), asio::detached);
}

asio::awaitable<void> Supervisor::loop(Supervisor* self, std::shared_ptr<Run> run, config::Duration wait) {
  if (run->stopped) co_return;
  auto& clockwork = Clockwork::of(self->io_);
  auto due = Clockwork::now() + wait;
  const Schedule schedule{due, run->interval};
  while (true) {
    co_await run->nap.until(clockwork, due);
    const auto now = Clockwork::now();
    if (const auto pause = schedule.pause(due, now, self->chance()); pause.count() > 0)
      co_await run->nap.until(clockwork, now + pause);
    const auto verdict = co_await run->checker->probe();
    if (run->stopped) co_return;  // and self may be gone
    log::debug("{} ({:.1f} ms)", verdict.reason, static_cast<double>(verdict.took.count()) / 1e3);
    const auto outcome = self->board_.on_verdict(run->id, verdict, runtime::unix_time());
    self->tell(outcome.news);
    due = schedule.after(Clockwork::now(), outcome.wait);
  }
}

void Supervisor::tell(const News& news) {
  for (const auto& line : news.log) log::notice("{}", line);
  for (const auto& health : news.publish) sink_.publish(health);
  for (const auto& event : news.events) {
    log::write(event.severity == "warning" ? log::Level::warning : log::Level::notice, event.message);
    sink_.event(event);
  }
}

}  // namespace ballast::checkd
