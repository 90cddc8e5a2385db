// ballast-mail: hands one mail to an SMTP server. scriptd runs it for alerts; people may.
#include <sys/random.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "tools/mail/attempt.hpp"

namespace ballast::mail {
namespace {

namespace asio = boost::asio;

constexpr int sent = 0;
constexpr int given_up = 1;  ///< after the last try
constexpr int refused = 2;   ///< another try would not help
constexpr int misused = 3;
constexpr unsigned tries = 3;
constexpr unsigned growth = 6;

struct Options {
  Server server{"127.0.0.1", "25", {}, {}};
  double timeout = 30;
  double pause = 5;
  std::string from;
  std::vector<std::string> to;
  std::string subject, text;
};

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0 ? name.data() : "localhost";
}

std::string unique_id() {
  std::array<std::uint64_t, 2> bytes{};
  if (getrandom(bytes.data(), sizeof bytes, 0) != sizeof bytes) bytes[0] = static_cast<std::uint64_t>(getpid());
  return fmt::format("{:x}.{:016x}{:016x}.ballast", std::time(nullptr), bytes[0], bytes[1]);
}

/// A command of SMTP is one line of printable words.
bool is_name(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

Result<Letter> letter_of(const Options& options) {
  Letter letter;
  auto from = net::parse_mailbox(options.from.empty() ? "ballast@" + options.server.helo : options.from);
  if (!from) return from.error();
  letter.from = std::move(*from);
  for (const auto& text : options.to) {
    auto mailbox = net::parse_mailbox(text);
    if (!mailbox) return mailbox.error();
    letter.to.push_back(std::move(*mailbox));
  }
  letter.subject = options.subject;
  letter.text = options.text;
  letter.date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  letter.id = unique_id();
  return letter;
}

std::string end_of(const Verdict& verdict, unsigned attempts, double pause) {
  if (verdict.sent && verdict.deferred.empty()) return {};
  if (!verdict.sent && !verdict.temporary) return ": refused";
  return attempts == tries ? ": given up" : fmt::format(": again in {:g} s", pause);
}

asio::awaitable<int> deliver(const Server& server, Letter letter, double pause) {
  const auto where = fmt::format("{} port {}", server.host, server.port);
  asio::steady_timer timer{co_await asio::this_coro::executor};
  bool with_tls = true;
  int status = given_up;
  for (unsigned i = 1;; ++i) {
    const auto verdict = co_await attempt(server, letter, with_tls);
    std::cout << fmt::format("{}{}: {}{}\n", verdict.sent ? "sent to " : "", where, verdict.how,
                             end_of(verdict, i, pause))
              << std::flush;
    if (verdict.sent) status = sent;
    if (verdict.sent && verdict.deferred.empty()) co_return status;
    if (!verdict.sent && !verdict.temporary) co_return status == sent ? sent : refused;
    if (i == tries) co_return status;
    if (verdict.sent) letter.to = verdict.deferred;
    if (verdict.tls_failed) with_tls = false;
    timer.expires_after(std::chrono::milliseconds{static_cast<std::int64_t>(pause * 1'000)});
    co_await timer.async_wait(asio::use_awaitable);
    pause *= growth;
  }
}

/// The C library asks a name server for longer than anybody waits here, and cannot be interrupted.
void bound_resolver(double timeout) {
  const auto seconds = static_cast<int>(std::clamp(std::ceil(timeout), 1.0, 30.0));
  setenv("RES_OPTIONS", fmt::format("timeout:{} attempts:1", seconds).c_str(), 0);
}

int run(Options& options) {
  if (options.server.helo.empty()) options.server.helo = host_name();
  options.server.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(options.timeout * 1'000)};
  const auto letter = letter_of(options);
  if (!letter || !is_name(options.server.helo)) {
    std::cerr << (letter ? fmt::format("'{}' is no name for HELO", options.server.helo) : letter.error().message)
              << '\n';
    return misused;
  }
  bound_resolver(options.timeout);
  asio::io_context io{1};
  int status = given_up;
  asio::co_spawn(io, deliver(options.server, *letter, options.pause), [&](std::exception_ptr error, int result) {
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
}  // namespace ballast::mail

int main(int argc, char** argv) {
  CLI::App app{
      "Hands one mail to an SMTP server, in three tries; exit status 0: sent, 1: given up, 2: refused, 3: misused."};
  ballast::mail::Options options;
  app.add_option("--server", options.server.host, "Name or address of the server")->capture_default_str();
  app.add_option("--port", options.server.port, "Its port")->capture_default_str();
  app.add_option("--helo", options.server.helo, "Our name; default: the host's");
  app.add_option("--timeout", options.timeout, "For the connection and each answer, seconds")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 3'600.0));
  app.add_option("--pause", options.pause, "Before the second try, seconds; six times that before the third")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3'600.0));
  app.add_option("--from", options.from, "Who sends; default: ballast@ and our name");
  app.add_option("--to", options.to, "Who gets it, once for each")->required()->allow_extra_args(false);
  app.add_option("--subject", options.subject, "The subject");
  app.add_option("--text", options.text, "The text");
  CLI11_PARSE(app, argc, argv);
  return ballast::mail::run(options);
}
