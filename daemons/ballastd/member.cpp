#include "daemons/ballastd/member.hpp"

#include <csignal>

#include "common/runtime/log.hpp"

namespace ballast::ballastd {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds kill_patience{2};

std::string in_words(const runtime::ExitStatus& status) {
  const auto text = runtime::describe(status);
  return status.kind == runtime::ExitStatus::Kind::exited ? "ended with " + text : text;
}

}  // namespace

Member::Member(asio::io_context& io, FamilyFile& file, MemberOptions options)
    : io_{io}, file_{file}, options_{std::move(options)}, pause_{io}, ended_{io} {}

void Member::start() { asio::co_spawn(io_, run(), asio::detached); }

void Member::tell(const std::string& severity, const std::string& message) {
  log::write(severity == "error" ? log::Level::error : log::Level::warning, message);
  options_.event({.time = 0,
                  .daemon = "ballastd",
                  .kind = "daemon",
                  .subject = options_.role,
                  .message = message,
                  .severity = severity});
}

std::optional<runtime::Child> Member::adopt() {
  const auto found = file_.records().find(options_.role);
  if (found == file_.records().end()) return std::nullopt;
  const auto& record = found->second;
  auto child = runtime::Child::adopt(io_.get_executor(), record.pid);
  // Asked when it is held: the number cannot become another's any more.
  const auto started = runtime::start_time_of(record.pid);
  if (!child || !started || *started != record.start_time) return std::nullopt;
  replacing_ = record.arguments != options_.arguments;
  log::notice("{} (pid {}) runs already and is taken over{}", options_.role, record.pid,
              replacing_ ? "; it was started with other options and is replaced" : "");
  return std::move(*child);
}

Result<runtime::Child> Member::spawn() {
  const auto before_exec = [this](pid_t pid) -> Result<> {
    const auto started = runtime::start_time_of(pid);
    if (!started) return started.error();
    return file_.set(options_.role, {pid, *started, options_.arguments});
  };
  auto child = runtime::Child::spawn(io_.get_executor(), {options_.program, options_.arguments, before_exec});
  if (child) log::info("{} started (pid {})", options_.role, child->pid());
  return child;
}

asio::awaitable<void> Member::run() {
  child_ = adopt();
  if (replacing_) asio::co_spawn(io_, end(), asio::detached);
  while (!stopping_) {
    policy_.started(runtime::BootClock::now());
    if (!child_) {
      auto child = spawn();
      if (!child) {
        co_await after_death(0, "cannot be started: " + child.error().message);
        continue;
      }
      child_ = std::move(*child);
    }
    const auto status = co_await child_->wait();
    const auto pid = child_->pid();
    child_.reset();
    ended_in_order_ = status.success() || status.kind == runtime::ExitStatus::Kind::unknown;
    ended_.cancel();
    if (!stopping_ && !std::exchange(replacing_, false)) co_await after_death(pid, in_words(status));
  }
  if (const auto erased = file_.erase(options_.role); !erased) log::warning("{}", erased.error().message);
}

asio::awaitable<void> Member::after_death(pid_t pid, const std::string& how) {
  const auto died = runtime::BootClock::now();
  const auto verdict = policy_.died(died);
  const auto who =
      pid != 0 ? fmt::format("{} (pid {}) {}", options_.role, pid, how) : fmt::format("{} {}", options_.role, how);
  const auto when = verdict.pause > 0ms ? fmt::format(" in {} ms", verdict.pause.count()) : std::string{};
  const bool clean_up = verdict.too_late && options_.clean_up;
  tell("error", fmt::format("{}; {}starting it again{}", who,
                            clean_up ? "it does not stay up: its addresses are withdrawn; " : "", when));
  if (clean_up) co_await options_.clean_up();
  if (stopping_) co_return;
  const auto spent = runtime::BootClock::now() - died;
  if (verdict.pause <= spent) co_return;
  pause_.expires_after(verdict.pause - spent);
  co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> Member::end() {
  const auto pid = child_ ? child_->pid() : 0;
  const std::pair<int, std::chrono::seconds> steps[] = {{SIGTERM, end_patience_}, {SIGKILL, kill_patience}};
  for (const auto& [number, patience] : steps) {
    if (!child_ || child_->pid() != pid) co_return;  // gone, perhaps with a successor
    if (number == SIGKILL) {
      log::warning("{} (pid {}) has not ended within {} s and is killed", options_.role, pid, end_patience_.count());
    }
    child_->signal(number);
    ended_.expires_after(patience);
    co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> Member::stop() {
  stopping_ = true;
  pause_.cancel();
  const auto began = runtime::BootClock::now();
  co_await end();
  const bool was_killed = runtime::BootClock::now() - began >= end_patience_;
  // One that was ended before it knew how to end, or is dead already, leaves everything as it was.
  if ((was_killed || !ended_in_order_) && options_.clean_up) co_await options_.clean_up();
}

asio::awaitable<Result<>> run_program(std::filesystem::path program, std::vector<std::string> arguments,
                                      std::chrono::milliseconds limit) {
  const auto executor = co_await asio::this_coro::executor;
  auto child = runtime::Child::spawn(executor, {program, std::move(arguments), {}});
  if (!child) co_return fail("{} cannot be started: {}", program.string(), child.error().message);
  asio::steady_timer timer{executor, limit};
  bool late = false;
  timer.async_wait([&](boost::system::error_code error) {
    if (error) return;
    late = true;
    child->signal(SIGKILL);
  });
  const auto status = co_await child->wait();
  timer.cancel();
  co_await asio::post(executor, asio::use_awaitable);  // the timer's handler has run: it looks at what is ours
  if (late) co_return fail("{} has not ended within {} ms", program.filename().string(), limit.count());
  if (!status.success()) co_return fail("{}: {}", program.filename().string(), runtime::describe(status));
  co_return Result<>{};
}

}  // namespace ballast::ballastd
