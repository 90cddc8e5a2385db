#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/runtime/child.hpp"
#include "daemons/ballastd/family_file.hpp"
#include "daemons/ballastd/restart_policy.hpp"

namespace ballast::ballastd {

struct MemberOptions {
  std::string role;
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::function<void(bus::Event)> event;
  /// Undoes what it leaves behind when it does not come back in time, or is stopped and has not ended in order. May be
  /// empty.
  std::function<boost::asio::awaitable<void>()> clean_up;
};

/// One daemon that is kept running.
class Member {
 public:
  Member(boost::asio::io_context& io, FamilyFile& file, MemberOptions options);

  /// Takes over the one that runs already, else starts it; and again whenever it dies.
  void start();
  /// Ends it for good: SIGTERM, after some seconds SIGKILL.
  boost::asio::awaitable<void> stop();
  void set_patience(std::chrono::milliseconds patience) { policy_.set_patience(patience); }
  /// How long it may take to end in order.
  void set_end_patience(std::chrono::seconds patience) { end_patience_ = patience; }

  static constexpr std::chrono::seconds usual_end_patience{6};  ///< a daemon gives itself 5 s

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> after_death(pid_t pid, const std::string& how);
  boost::asio::awaitable<void> end();
  std::optional<runtime::Child> adopt();
  Result<runtime::Child> spawn();
  void tell(const std::string& severity, const std::string& message);

  boost::asio::io_context& io_;
  FamilyFile& file_;
  MemberOptions options_;
  RestartPolicy policy_;
  std::optional<runtime::Child> child_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer ended_;  ///< cancelled when it has ended
  std::chrono::seconds end_patience_ = usual_end_patience;
  bool stopping_ = false;
  bool ended_in_order_ = true;  ///< the last one that ran
  bool replacing_ = false;      ///< the one that was taken over is ended to be started with our options
};

/// Runs a program to its end, at most that long. An error says how it failed.
boost::asio::awaitable<Result<>> run_program(std::filesystem::path program, std::vector<std::string> arguments,
                                             std::chrono::milliseconds limit);

}  // namespace ballast::ballastd
