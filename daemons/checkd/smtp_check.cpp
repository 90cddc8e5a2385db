#include "daemons/checkd/smtp_check.hpp"

#include <algorithm>

#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

constexpr unsigned greeted = 220;  // RFC 5321 section 4.2.3
constexpr unsigned done = 250;
constexpr config::Duration farewell = std::chrono::milliseconds{500};

/// STARTTLS is for those who say EHLO.
std::string hello(const config::Check& check) {
  const bool named = check.smtp && !check.smtp->helo_name.empty();
  return fmt::format("{} {}", check.tls ? "EHLO" : "HELO", named ? check.smtp->helo_name : "localhost");
}

}  // namespace

SmtpCheck::SmtpCheck(const Surroundings& surroundings, config::Check check)
    : executor_(surroundings.executor), tls_(surroundings.tls), check_(std::move(check)) {}

asio::awaitable<Verdict> SmtpCheck::probe() { return timed(ask()); }

asio::awaitable<Verdict> SmtpCheck::ask() {
  boost::beast::tcp_stream stream{executor_};
  auto verdict = co_await connect(stream, check_);
  if (!verdict.passed()) co_return verdict;
  std::unique_ptr<Channel> channel = std::make_unique<PlainChannel>(stream);
  net::SmtpReplyParser parser;
  auto what = fmt::format("greeting of {}", check_.target);
  verdict = co_await expect(*channel, parser, std::move(what), greeted);
  if (verdict.passed() && check_.tls) verdict = co_await start_tls(stream, channel, parser);
  if (!channel) co_return verdict;
  const auto until = verdict.certificate_until;
  if (verdict.passed()) {
    auto line = hello(check_);
    verdict = co_await say(*channel, parser, std::move(line), done);
    verdict.certificate_until = until;
  }
  if (verdict.cause == Cause::passed || verdict.cause == Cause::status) co_await say_goodbye(stream, *channel);
  co_return verdict;
}

// What was sent before the handshake is nobody's word after it (RFC 3207 section 4.2).
asio::awaitable<Verdict> SmtpCheck::start_tls(boost::beast::tcp_stream& stream, std::unique_ptr<Channel>& channel,
                                              net::SmtpReplyParser& parser) {
  auto line = hello(check_);
  auto answer = co_await say(*channel, parser, std::move(line), done);
  if (!answer.passed()) co_return answer;
  line = "STARTTLS";
  auto ready = co_await say(*channel, parser, std::move(line), greeted);
  if (!ready.passed()) co_return ready;
  if (!parser.empty())
    co_return Verdict{Cause::malformed, 0, fmt::format("STARTTLS to {}: more came before TLS", check_.target), {}};
  auto tls = co_await handshake(stream, *tls_, check_, "");
  channel = std::move(tls.channel);
  co_return std::move(tls.verdict);
}

asio::awaitable<Verdict> SmtpCheck::say(Channel& channel, net::SmtpReplyParser& parser, std::string line,
                                        unsigned code) {
  auto what = fmt::format("{} to {}", line, check_.target);
  line += "\r\n";
  const auto error = co_await channel.write(asio::buffer(line));
  if (error) co_return network_failure(what, error, check_, Stage::answer);
  co_return co_await expect(channel, parser, std::move(what), code);
}

asio::awaitable<Verdict> SmtpCheck::expect(Channel& channel, net::SmtpReplyParser& parser, std::string what,
                                           unsigned code) {
  std::array<char, 2048> buffer{};
  auto reply = parser.next();
  while (!reply) {
    const auto [error, size] = co_await channel.read_some(asio::buffer(buffer));
    if (error == asio::error::eof) {
      const auto* how = parser.empty() ? "closed without an answer" : "closed in the middle of the answer";
      co_return Verdict{Cause::closed, parser.empty() ? 0 : 1, fmt::format("{}: {}", what, how), {}};
    }
    if (error) co_return network_failure(what, error, check_, Stage::answer);
    if (const auto fed = parser.feed({buffer.data(), size}); !fed)
      co_return Verdict{Cause::malformed, 0, fmt::format("{}: {}", what, fed.error().message), {}};
    reply = parser.next();
  }
  if (reply->code == code) co_return Verdict{Cause::passed, 0, fmt::format("{}: {}", what, describe(*reply)), {}};
  auto reason = fmt::format("{}: {}, wanted {}", what, describe(*reply), code);
  co_return Verdict{Cause::status, static_cast<int>(reply->code), std::move(reason), {}};
}

// The answer is waited for, so that the server does not see us hang up on it.
asio::awaitable<void> SmtpCheck::say_goodbye(boost::beast::tcp_stream& stream, Channel& channel) {
  stream.expires_after(std::min(farewell, check_.connect_timeout));
  const std::string line = "QUIT\r\n";
  const auto error = co_await channel.write(asio::buffer(line));
  std::array<char, 512> buffer{};
  if (!error) co_await channel.read_some(asio::buffer(buffer));
}

}  // namespace ballast::checkd
