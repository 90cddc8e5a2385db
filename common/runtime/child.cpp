#include "common/runtime/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace ballast::runtime {

namespace asio = boost::asio;

namespace {

Error system_failure(const char* what) { return fail("{}: {}", what, std::strerror(errno)); }  // NOLINT

Result<int> open_pidfd(pid_t pid) {
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) return system_failure("cannot watch the process");
  return descriptor;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> child_environment() {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    if (text.starts_with("NOTIFY_SOCKET=") || text.starts_with("WATCHDOG_")) continue;
    result.emplace_back(text);
  }
  return result;
}

bool take_standard_streams(int input, int output) {
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return false;
  const int in = input >= 0 ? input : null;
  const int out = output >= 0 ? output : null;
  if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0) return false;
  return close_range(STDERR_FILENO + 1, ~0U, 0) == 0;
}

/// All rights but those of the user. Root's programs have what we have: with no_new_privs execve() gains nothing.
bool become(const Confinement& user) {
  if (geteuid() == 0) {
    if (setgroups(user.groups.size(), user.groups.data()) != 0) return false;
    if (setresgid(user.gid, user.gid, user.gid) != 0 || setresuid(user.uid, user.uid, user.uid) != 0) return false;
  }
  if (geteuid() != user.uid || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  if (user.uid == 0) return true;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return syscall(SYS_capset, &header, none.data()) == 0;
}

void confine(const SpawnOptions& options) {
  constexpr mode_t usual_mask = 022;
  umask(usual_mask);
  if (!take_standard_streams(options.input, options.output)) _exit(127);
  if (!become(*options.confinement) || chdir("/") != 0) {
    dprintf(STDERR_FILENO, "cannot become user %u: %s\n", options.confinement->uid, std::strerror(errno));  // NOLINT
    _exit(127);
  }
}

[[noreturn]] void become_program(int gate, const SpawnOptions& options, char** arguments, char** environment) {
  char go = 0;
  if (read(gate, &go, 1) != 1) _exit(127);  // the parent is gone, or does not want us
  setsid();
  for (int number = 1; number < NSIG; ++number)
    std::signal(number, SIG_DFL);  // NOLINT(cert-err33-c): some cannot be set
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (options.confinement) confine(options);
  execve(arguments[0], arguments, environment);
  if (options.confinement) dprintf(STDERR_FILENO, "cannot be executed: %s\n", std::strerror(errno));  // NOLINT
  _exit(127);
}

void abandon(pid_t pid, int gate) {
  close(gate);
  waitpid(pid, nullptr, 0);
}

}  // namespace

std::string describe(const ExitStatus& status) {
  switch (status.kind) {
    case ExitStatus::Kind::exited:
      return fmt::format("exit status {}", status.value);
    case ExitStatus::Kind::signalled:
      return fmt::format("killed by signal {} ({})", status.value,
                         sigdescr_np(status.value) ? sigdescr_np(status.value) : "?");
    case ExitStatus::Kind::unknown:
      break;
  }
  return "ended (not our child: how is unknown)";
}

Result<std::uint64_t> start_time_of(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/stat", pid)};
  std::string line;
  if (!std::getline(file, line)) return fail("there is no process {}", pid);
  // The second field is the name in parentheses and may hold anything; 20 fields after it is the start time (proc(5)).
  const auto end_of_name = line.rfind(')');
  if (end_of_name == std::string::npos) return fail("/proc/{}/stat is not as expected", pid);
  std::istringstream rest{line.substr(end_of_name + 1)};
  std::string field;
  char state = 0;
  rest >> state;
  if (state == 'Z' || state == 'X') return fail("process {} has ended", pid);
  for (int i = 0; i < 18; ++i) rest >> field;
  std::uint64_t ticks = 0;
  if (!(rest >> ticks)) return fail("/proc/{}/stat is not as expected", pid);
  return ticks;
}

Result<Child> Child::spawn(const asio::any_io_executor& executor, const SpawnOptions& options) {
  std::vector<std::string> words{options.program.string()};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  auto environment_words = options.confinement ? options.confinement->environment : child_environment();
  const auto arguments = pointers(words);
  const auto environment = pointers(environment_words);
  std::array<int, 2> gate{};
  if (pipe2(gate.data(), O_CLOEXEC) != 0) return system_failure("cannot make a pipe");
  const pid_t pid = fork();
  if (pid < 0) {
    const auto error = system_failure("cannot start a process");
    close(gate[0]);
    close(gate[1]);
    return error;
  }
  if (pid == 0) {
    close(gate[1]);
    become_program(gate[0], options, const_cast<char**>(arguments.data()), const_cast<char**>(environment.data()));
  }
  close(gate[0]);
  const auto pidfd = open_pidfd(pid);
  auto ready = pidfd && options.before_exec ? options.before_exec(pid) : Result<>{};
  if (!pidfd || !ready) {
    abandon(pid, gate[1]);
    if (pidfd) close(*pidfd);
    return pidfd ? ready.error() : pidfd.error();
  }
  const bool released = write(gate[1], "g", 1) == 1;
  close(gate[1]);
  if (!released) return fail("{} ended before it began", options.program.string());
  return Child{asio::posix::stream_descriptor{executor, *pidfd}, pid};
}

Result<Child> Child::adopt(const asio::any_io_executor& executor, pid_t pid) {
  const auto pidfd = open_pidfd(pid);
  if (!pidfd) return pidfd.error();
  return Child{asio::posix::stream_descriptor{executor, *pidfd}, pid};
}

asio::awaitable<ExitStatus> Child::wait() {
  co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
    co_return ExitStatus{};
  }
  if (info.si_code == CLD_EXITED) co_return ExitStatus{ExitStatus::Kind::exited, info.si_status};
  co_return ExitStatus{ExitStatus::Kind::signalled, info.si_status};
}

bool Child::signal(int number) {
  return syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), number, nullptr, 0) == 0;
}

}  // namespace ballast::runtime
