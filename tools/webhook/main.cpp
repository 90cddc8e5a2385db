// ballast-webhook: one POST. scriptd runs it for events; what is to be sent, secrets among it, comes by standard input.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>

#include "tools/webhook/post.hpp"

namespace ballast::webhook {
namespace {

namespace asio = boost::asio;

constexpr int delivered = 0;
constexpr int given_up = 1;  ///< after the last try
constexpr int refused = 2;   ///< another try would not help
constexpr int misused = 3;
constexpr std::size_t longest_input = 1U << 20;

Result<std::string> read_input() {
  std::string text(longest_input + 1, 0);
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (text.size() > longest_input) return fail("the input has more than {} bytes", longest_input);
  return text;
}

asio::awaitable<int> deliver(const Job& job) {
  asio::steady_timer timer{co_await asio::this_coro::executor};
  std::minstd_rand random{std::random_device{}()};
  for (unsigned attempt = 1;; ++attempt) {
    const auto verdict = co_await post(job);
    const bool last = attempt == job.tries;
    const auto pause = pause_before(attempt + 1, std::uniform_real_distribution<>{0.0, 1.0}(random));
    std::string end;
    if (verdict.fate == Fate::refused)
      end = ": refused";
    else if (verdict.fate == Fate::again)
      end = last ? ": given up" : fmt::format(": again in {:g} s", std::chrono::duration<double>(pause).count());
    if (attempt > 1 || !end.empty()) std::cout << verdict.how << end << '\n' << std::flush;
    if (verdict.fate == Fate::delivered) co_return delivered;
    if (verdict.fate == Fate::refused) co_return refused;
    if (last) co_return given_up;
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

/// The C library asks a name server for longer than anybody waits here, and cannot be interrupted.
void bound_resolver(std::chrono::milliseconds timeout) {
  const auto seconds = std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(timeout).count(), 1, 30);
  setenv("RES_OPTIONS", fmt::format("timeout:{} attempts:1", seconds).c_str(), 0);
}

int run() {
  const auto input = read_input();
  const auto job = input ? parse_job(*input) : Result<Job>{input.error()};
  if (!job) {
    std::cerr << job.error().message << '\n';
    return misused;
  }
  bound_resolver(job->timeout);
  asio::io_context io{1};
  int status = given_up;
  asio::co_spawn(io, deliver(*job), [&](std::exception_ptr error, int result) {
    if (error) std::rethrow_exception(error);
    status = result;
  });
  try {
    io.run();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
  return status;
}

}  // namespace
}  // namespace ballast::webhook

int main(int argc, char** argv) {
  CLI::App app{
      "Sends one POST, read as JSON from standard input; exit status 0: delivered, 1: given up, 2: refused, 3: "
      "misused."};
  app.set_version_flag("--version", std::string{"ballast "} + BALLAST_VERSION);
  CLI11_PARSE(app, argc, argv);
  return ballast::webhook::run();
}
