#include "common/runtime/daemon.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>

#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"

namespace ballast::runtime {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {
constexpr auto usual_stop_limit = 5s;
constexpr auto to_leave = 5s;  ///< after it, for systemd
}  // namespace

void add_daemon_options(CLI::App& app, DaemonOptions& options) {
  app.add_option("--run-dir", options.run_dir, "Where ballastd's socket and state files are")->capture_default_str();
  app.add_flag("-v,--verbose", options.verbose, "Log what is of use only when looking for a fault");
  app.set_version_flag("--version", std::string{"ballast "} + BALLAST_VERSION);
}

struct Daemon::Impl {
  Impl(DaemonOptions daemon_options, bus::ClientOptions bus_options, bus::ClientHandlers handlers)
      : options{std::move(daemon_options)}, bus{io, std::move(bus_options), std::move(handlers)} {}

  asio::awaitable<void> wait_for_signal();
  asio::awaitable<void> shut_down();
  void begin_stop(const char* why);

  DaemonOptions options;
  asio::io_context io{1};
  bus::Client bus;
  asio::signal_set signals{io, SIGTERM, SIGINT};
  std::vector<std::function<asio::awaitable<void>()>> actions;
  std::chrono::seconds stop_limit = usual_stop_limit;
  bool stopping = false;
  int status = 0;
};

Daemon::Daemon(DaemonOptions options, bus::ClientOptions bus_options, bus::ClientHandlers handlers) {
  log::configure(options.role, options.verbose ? log::Level::debug : log::Level::info);
  // A log pipe or a socket whose reader went away is an error value, never a death; a stray SIGHUP is ballastd's
  // business.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c)
  std::signal(SIGHUP, SIG_IGN);   // NOLINT(cert-err33-c)
  impl_ = std::make_unique<Impl>(std::move(options), std::move(bus_options), std::move(handlers));
}

Daemon::~Daemon() = default;

asio::io_context& Daemon::io() { return impl_->io; }
bus::Client& Daemon::bus() { return impl_->bus; }
const DaemonOptions& Daemon::options() const { return impl_->options; }
void Daemon::on_stop(std::function<asio::awaitable<void>()> action) { impl_->actions.push_back(std::move(action)); }
void Daemon::set_stop_limit(std::chrono::seconds limit) { impl_->stop_limit = limit; }
void Daemon::stop() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->begin_stop("asked to"); });
}

asio::awaitable<void> Daemon::Impl::wait_for_signal() {
  const auto [error, number] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!error) begin_stop(number == SIGTERM ? "SIGTERM" : "SIGINT");
}

void Daemon::Impl::begin_stop(const char* why) {
  if (std::exchange(stopping, true)) return;
  log::info("stopping ({})", why);
  const std::chrono::microseconds longest = stop_limit + to_leave;
  notify_systemd(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", longest.count()).c_str());
  asio::co_spawn(io, shut_down(), asio::detached);
}

asio::awaitable<void> Daemon::Impl::shut_down() {
  std::size_t left = actions.size();
  asio::steady_timer limit{io, stop_limit};
  for (const auto& action : actions) {
    asio::co_spawn(io, action(), [&left, &limit](const std::exception_ptr& failure) {
      if (failure) log::error("a step of stopping failed");
      if (--left == 0) limit.cancel();
    });
  }
  if (left > 0) co_await limit.async_wait(asio::as_tuple(asio::use_awaitable));
  if (left > 0) log::warning("stopping took longer than {} s; leaving anyway", stop_limit.count());
  co_await bus.stop();
  io.stop();
}

int Daemon::run() {
  auto& impl = *impl_;
  const bus::NodeState node{impl.options.role, BALLAST_VERSION, static_cast<int>(getpid()), unix_time()};
  impl.bus.publish("node/" + impl.options.role, node);
  impl.bus.start();
  asio::co_spawn(impl.io, impl.wait_for_signal(), asio::detached);
  asio::co_spawn(impl.io, keep_systemd_informed(), asio::detached);
  log::info("started, version {}", BALLAST_VERSION);
  try {
    impl.io.run();
  } catch (const std::exception& exception) {
    log::error("ended by a fault: {}", exception.what());
    impl.status = 1;
  }
  return impl.status;
}

}  // namespace ballast::runtime
