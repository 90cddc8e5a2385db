#pragma once
#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace ballast::runtime {

/// How a process ended. Of one that is not our child only the end is known.
struct ExitStatus {
  enum class Kind : std::uint8_t { exited, signalled, unknown };
  Kind kind = Kind::unknown;
  int value = 0;  ///< exit status or signal
  [[nodiscard]] bool success() const { return kind == Kind::exited && value == 0; }
};

/// "exit status 1", "killed by signal 9 (Killed)", "ended (not our child: how is unknown)".
std::string describe(const ExitStatus& status);

/// When that process began (/proc/<pid>/stat, clock ticks after boot): with the pid it names one process for good.
Result<std::uint64_t> start_time_of(pid_t pid);

/// Who somebody else's program runs as: that user and its groups, without a capability.
struct Confinement {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::vector<std::string> environment;  ///< `NAME=value`, all of it
};

struct SpawnOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;  ///< without the program's name
  /// Runs in the parent when the child exists but has not begun; an error ends the child before its first instruction.
  std::function<Result<>(pid_t)> before_exec;
  /// Then it also begins in / and without any descriptor of ours.
  std::optional<Confinement> confinement{};
  int input = -1;   ///< with a confinement: its standard input; -1: /dev/null
  int output = -1;  ///< with a confinement: its standard output and error; -1: nowhere
};

/// A process held by a pidfd: signals cannot hit another one that got its number.
class Child {
 public:
  /// Starts a program in a session of its own, signals at their defaults, without what systemd told us (NOTIFY_SOCKET,
  /// …). A program that cannot be executed ends with status 127.
  static Result<Child> spawn(const boost::asio::any_io_executor& executor, const SpawnOptions& options);
  /// Watches a process that somebody else started.
  static Result<Child> adopt(const boost::asio::any_io_executor& executor, pid_t pid);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Awaits its end and, if it is our child, reaps it. Once.
  boost::asio::awaitable<ExitStatus> wait();
  /// False when it is gone.
  bool signal(int number);

 private:
  Child(boost::asio::posix::stream_descriptor pidfd, pid_t pid) : pidfd_{std::move(pidfd)}, pid_{pid} {}
  boost::asio::posix::stream_descriptor pidfd_;
  pid_t pid_;
};

}  // namespace ballast::runtime
