#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "common/runtime/log.hpp"
#include "daemons/scriptd/shell/prepare.hpp"

namespace ballast::scriptd {

struct Job {
  std::string label;  ///< before each line of its output in the log
  Prepared command;
  std::chrono::microseconds timeout{0};  ///< 0: none
  log::Level level = log::Level::info;   ///< of its output in the log
  std::string input{};                   ///< what it reads; nobody else can
};

struct Outcome {
  bool success = false;
  std::string how;  ///< `exit status 1`, `killed after 2 s`, `cannot be started: …`
  runtime::ExitStatus status{};
  bool late = false;                 ///< killed after its timeout
  std::chrono::microseconds took{};  ///< from its start to its end
};

/// Runs people's programs, each in a session of its own. After the timeout its whole process group gets SIGTERM, a
/// second later SIGKILL. What it writes goes to the log, up to a bound.
class Runner {
 public:
  explicit Runner(boost::asio::io_context& io) : io_{io} {}

  boost::asio::awaitable<Outcome> run(Job job);
  /// Ends everything that runs, as after a timeout; nothing more is started.
  void stop();
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] bool idle() const { return running_.empty(); }

 private:
  struct Run;
  static boost::asio::awaitable<void> guard(std::shared_ptr<Run> run);
  static boost::asio::awaitable<void> listen(std::shared_ptr<Run> run);

  boost::asio::io_context& io_;
  std::set<std::shared_ptr<Run>> running_;
  bool stopping_ = false;
};

}  // namespace ballast::scriptd
