// vrrpd: speaks VRRP, decides who is MASTER and keeps the virtual addresses where they belong.
#include <linux/capability.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <system_error>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"
#include "daemons/vrrpd/shell/trackers.hpp"
#include "daemons/vrrpd/shell/withdraw.hpp"

namespace ballast::vrrpd {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::milliseconds bus_patience{500};  ///< then the last configuration runs without ballastd

/// An advertisement that waits behind other processes is a failover for nothing. A sandbox may refuse it, or have given
/// it.
void ask_for_real_time() {
  if (const int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; policy == SCHED_RR || policy == SCHED_FIFO)
    return;
  const sched_param lowest{.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0) return;
  log::info("runs without real-time priority: {}", std::generic_category().message(errno));
}

asio::awaitable<Result<nlohmann::json>> answer(const Speaker& speaker, Doctor& doctor, std::string method) {
  if (method == "counters") co_return speaker.counters();
  if (method == "doctor") co_return co_await doctor.examine();
  co_return fail("vrrpd has no request '{}', expected counters or doctor", method);
}

/// What is withdrawn holds on: who told it is away, or it is no longer of the configuration.
template <class State>
void tell(Speaker& speaker, const std::string& topic, const nlohmann::json& value) {
  if (value.is_null()) return;
  const auto state = bus::decode<State>(value);
  if (!state) return log::error("{}: {}", topic, state.error().message);
  speaker.tell(*state);
}

/// Runs the saved configuration: at once after a crash (each master-down interval counts), else when the bus is silent.
class Fallback {
 public:
  Fallback(asio::io_context& io, Speaker& speaker, std::filesystem::path run_dir)
      : timer_{io}, speaker_{speaker}, run_dir_{std::move(run_dir)} {}

  void start() {
    if (speaker_.was_interrupted()) run("the last configuration runs at once: vrrpd had not been stopped in order");
    timer_.expires_after(bus_patience);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error && !applied_) run("no configuration from ballastd yet: the last one runs");
    });
  }
  void applied() {
    applied_ = true;
    timer_.cancel();
  }

 private:
  void run(const char* why) {
    const auto model = read_model(run_dir_);
    if (!model) return log::info("waits for ballastd; there is no saved configuration: {}", model.error().message);
    if (const auto valid = Speaker::validate(*model); !valid) return log::error("{}", valid.error().message);
    log::notice("{}", why);
    speaker_.apply(*model);
    applied_ = true;
  }

  asio::steady_timer timer_;
  Speaker& speaker_;
  std::filesystem::path run_dir_;
  bool applied_ = false;
};

int run(runtime::DaemonOptions options) {
  const auto run_dir = options.run_dir;
  std::unique_ptr<Speaker> speaker;
  std::unique_ptr<Doctor> doctor;
  std::unique_ptr<Fallback> fallback;
  bus::ClientHandlers handlers;
  handlers.validate = [](const config::Model& model) { return Speaker::validate(model); };
  bus::Client* client = nullptr;
  handlers.apply = [&](const config::Model& model) {
    fallback->applied();
    speaker->apply(model);
    // There may be thousands that no instance has to do with.
    if (tracks_services(model)) client->subscribe("service/");
  };
  handlers.update = [&](const std::string& topic, const nlohmann::json& value) {
    if (topic.starts_with("script/")) return tell<bus::ScriptState>(*speaker, topic, value);
    if (topic.starts_with("service/")) return tell<bus::ServiceState>(*speaker, topic, value);
    const auto instance = topic.substr(std::string_view{"hold/"}.size());
    if (value.is_null()) return speaker->hold(instance, std::nullopt);
    auto hold = bus::decode<bus::VrrpHold>(value);
    if (!hold) return log::error("{}: {}", topic, hold.error().message);
    speaker->hold(instance, std::move(*hold));
  };
  handlers.request = [&](std::string method, const nlohmann::json&) {
    return answer(*speaker, *doctor, std::move(method));
  };
  runtime::Daemon daemon{
      std::move(options),
      {.socket = run_dir / "bus.sock", .role = "vrrpd", .subscriptions = {"hold/", "script/"}, .configuration = true},
      std::move(handlers)};
  auto& bus = daemon.bus();
  client = &bus;
  auto opened =
      Speaker::open(daemon.io(), run_dir,
                    {[&bus](const bus::VrrpState& state) { bus.publish("vrrp/" + state.name, state); },
                     [&bus](const std::string& instance) { bus.withdraw("vrrp/" + instance); },
                     [&bus](const bus::VrrpGroupState& group) { bus.publish("vrrp-group/" + group.name, group); },
                     [&bus](const std::string& group) { bus.withdraw("vrrp-group/" + group); },
                     [&bus](bus::Event event) { bus.event(std::move(event)); }});
  if (!opened) {
    log::error("{}", opened.error().message);
    return 1;
  }
  speaker = std::move(*opened);
  doctor = std::make_unique<Doctor>(*speaker);
  ask_for_real_time();
  if (const auto kept = runtime::keep_capabilities({CAP_NET_ADMIN, CAP_NET_RAW}); !kept) {
    log::warning("{}", kept.error().message);
  }
  fallback = std::make_unique<Fallback>(daemon.io(), *speaker, run_dir);
  daemon.on_stop([&] { return speaker->stop(); });
  fallback->start();
  const int status = daemon.run();
  fallback.reset();
  speaker.reset();
  return status;
}

}  // namespace
}  // namespace ballast::vrrpd

int main(int argc, char** argv) {
  CLI::App app{"Ballast's VRRP speaker (RFC 9568, RFC 3768)"};
  ballast::runtime::DaemonOptions options{.role = "vrrpd"};
  ballast::runtime::add_daemon_options(app, options);
  bool withdraw = false;
  app.add_flag("--withdraw", withdraw, "remove the virtual addresses that a dead vrrpd left, say priority 0, and end");
  bool when_late = false;
  app.add_flag("--withdraw-when-late", when_late, "the same, but only once other routers have taken over");
  CLI11_PARSE(app, argc, argv);
  ballast::log::configure("vrrpd", options.verbose ? ballast::log::Level::debug : ballast::log::Level::info);
  if (!withdraw && !when_late) return ballast::vrrpd::run(std::move(options));
  const auto done =
      when_late ? ballast::vrrpd::withdraw_when_late(options.run_dir) : ballast::vrrpd::withdraw(options.run_dir);
  if (!done) ballast::log::error("{}", done.error().message);
  return done ? 0 : 1;
}
