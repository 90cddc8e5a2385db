#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>

#include "common/bus/client.hpp"
#include "common/runtime/systemd.hpp"

namespace CLI {
class App;
}

namespace ballast::runtime {

struct DaemonOptions {
  std::string role;  ///< "vrrpd", …; also the log's name
  std::filesystem::path run_dir = "/run/ballast";
  bool verbose = false;
};

/// Adds --run-dir, --verbose and --version to a daemon's command line.
void add_daemon_options(CLI::App& app, DaemonOptions& options);

/// What every daemon but ballastd is made of: the loop, signals, the bus client, systemd's readiness and watchdog, and
/// `node/<role>` kept on the bus. Ready is told to systemd once the loop runs (a daemon without ballastd is ready,
/// too).
class Daemon {
 public:
  Daemon(DaemonOptions options, bus::ClientOptions bus_options, bus::ClientHandlers handlers);
  ~Daemon();

  [[nodiscard]] boost::asio::io_context& io();
  [[nodiscard]] bus::Client& bus();
  [[nodiscard]] const DaemonOptions& options() const;

  /// Awaited on SIGTERM or SIGINT before the loop ends; at most 5 s, or what set_stop_limit() says.
  void on_stop(std::function<boost::asio::awaitable<void>()> action);
  void set_stop_limit(std::chrono::seconds limit);
  /// Ends as if SIGTERM had come.
  void stop();
  /// Runs until stopped; the exit status.
  int run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::runtime
