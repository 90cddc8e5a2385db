#include "daemons/scriptd/shell/runner.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX's
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "common/runtime/log.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kill_patience{1};
constexpr unsigned most_lines = 100;
constexpr std::size_t longest_line = 1'000;

/// Cuts what a program writes into lines of the log. Control characters are not for a terminal that shows it.
class Lines {
 public:
  Lines(std::string label, log::Level level) : label_{std::move(label)}, level_{level} {}
  void add(std::string_view text) {
    for (const char c : text) {
      if (c == '\n')
        flush();
      else if (line_.size() < longest_line)
        line_ += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
    }
  }
  void flush() {
    const auto line = std::exchange(line_, {});
    if (line.empty() || ++count_ > most_lines + 1) return;
    if (count_ > most_lines)
      log::write(level_, label_ + ": … its further output is left out");
    else
      log::write(level_, label_ + ": " + line);
  }

 private:
  std::string label_;
  log::Level level_;
  std::string line_;
  unsigned count_ = 0;
};

/// In memory, at its beginning; -1: no room.
int file_of(const std::string& text) {
  const int file = memfd_create("input", MFD_CLOEXEC);
  if (file < 0) return -1;
  for (std::size_t done = 0; done < text.size();) {
    const auto written = write(file, text.data() + done, text.size() - done);
    if (written <= 0) {
      close(file);
      return -1;
    }
    done += static_cast<std::size_t>(written);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

}  // namespace

struct Runner::Run {
  Run(asio::io_context& io, int fd, const Job& job)
      : output{io, fd}, timer{io}, lines{job.label, job.level}, timeout{job.timeout} {}
  asio::posix::stream_descriptor output;
  asio::steady_timer timer;
  Lines lines;
  std::chrono::microseconds timeout;
  pid_t pid = 0;
  bool ended = false;
  bool late = false;
  bool stopped = false;
};

asio::awaitable<void> Runner::guard(std::shared_ptr<Run> run) {
  if (run->timeout.count() > 0)
    run->timer.expires_after(run->timeout);
  else
    run->timer.expires_at(asio::steady_timer::time_point::max());
  co_await run->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (run->ended) co_return;
  run->late = true;
  kill(-run->pid, SIGTERM);
  run->timer.expires_after(kill_patience);
  co_await run->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!run->ended) kill(-run->pid, SIGKILL);
}

asio::awaitable<void> Runner::listen(std::shared_ptr<Run> run) {
  std::array<char, 4096> buffer{};
  while (true) {
    const auto [error, size] =
        co_await run->output.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    run->lines.add({buffer.data(), size});
  }
}

asio::awaitable<Outcome> Runner::run(Job job) {
  if (stopping_) co_return Outcome{false, "not started: scriptd ends"};
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    co_return Outcome{false, fmt::format("cannot be started: {}", std::strerror(errno))};  // NOLINT
  fcntl(pipe[1], F_SETFL, 0);  // its own end blocks, as programs expect
  const auto run = std::make_shared<Run>(io_, pipe[0], job);
  runtime::SpawnOptions options;
  options.program = job.command.words.front();
  options.arguments.assign(job.command.words.begin() + 1, job.command.words.end());
  options.confinement = job.command.user;
  options.output = pipe[1];
  options.input = job.input.empty() ? -1 : file_of(job.input);
  const auto begin = asio::steady_timer::clock_type::now();
  auto child = runtime::Child::spawn(io_.get_executor(), options);
  close(pipe[1]);
  if (options.input >= 0) close(options.input);
  if (!child) co_return Outcome{false, "cannot be started: " + child.error().message};
  run->pid = child->pid();
  running_.insert(run);
  asio::co_spawn(io_, guard(run), asio::detached);
  asio::co_spawn(io_, listen(run), asio::detached);
  const auto status = co_await child->wait();
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(asio::steady_timer::clock_type::now() - begin);
  run->ended = true;
  run->timer.cancel();
  if (run->late) kill(-run->pid, SIGKILL);  // those of its group that heed no SIGTERM
  run->output.cancel();
  co_await asio::post(io_, asio::use_awaitable);  // what listens is done
  std::array<char, 4096> rest{};
  boost::system::error_code error;
  run->output.non_blocking(true, error);
  for (unsigned i = 0; i < most_lines && !error; ++i)
    run->lines.add({rest.data(), run->output.read_some(asio::buffer(rest), error)});
  run->lines.flush();
  running_.erase(run);
  if (run->stopped) co_return Outcome{false, "killed: scriptd ends"};
  if (run->late)
    co_return Outcome{false, fmt::format("killed after {:g} s", static_cast<double>(job.timeout.count()) / 1e6), status,
                      true, took};
  co_return Outcome{status.success(), runtime::describe(status), status, false, took};
}

void Runner::stop() {
  stopping_ = true;
  for (const auto& run : running_) {
    run->stopped = true;
    run->timer.cancel();
  }
}

}  // namespace ballast::scriptd
