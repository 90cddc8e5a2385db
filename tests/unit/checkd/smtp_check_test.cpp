#include "daemons/checkd/smtp_check.hpp"

#include <gmock/gmock.h>

#include "tests/unit/checkd/tls_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

config::Check smtp_check(const net::Endpoint& target, std::chrono::milliseconds limit = 5s) {
  config::Check check;
  check.kind = config::CheckKind::smtp;
  check.target = target;
  check.connect_timeout = limit;
  check.smtp.get().helo_name = "lb1.example.com";
  return check;
}

asio::awaitable<void> say(tcp::socket& socket, std::string text) {
  co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
}

asio::awaitable<std::string> hear_line(tcp::socket& socket) {
  std::string line;
  const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(line), "\r\n", asio::use_awaitable);
  co_return line.substr(0, size);
}

struct SmtpCheckTest : testing::Test {
  asio::io_context io;
  std::vector<std::string> heard;

  /// A mail server with this greeting and this answer to HELO.
  Behaviour server(std::string greeting, std::string answer) {
    return [this, greeting, answer](tcp::socket& socket) -> asio::awaitable<void> {
      co_await say(socket, greeting);
      heard.push_back(co_await hear_line(socket));
      if (answer.empty()) co_return;
      co_await say(socket, answer);
      heard.push_back(co_await hear_line(socket));
      co_await say(socket, "221 bye\r\n");
    };
  }
};

TEST_F(SmtpCheckTest, AServerThatGreetsAndTakesHeloIsUp) {
  const LocalServer mail{io, server("220-mail.example.com\r\n220 ESMTP\r\n", "250 hello\r\n")};
  const auto verdict = probe(io, smtp_check(mail.endpoint()));
  EXPECT_TRUE(verdict.passed()) << verdict.reason;
  EXPECT_EQ(verdict.reason, fmt::format("HELO lb1.example.com to {}: 250 hello", mail.endpoint()));
  EXPECT_EQ(heard, (std::vector<std::string>{"HELO lb1.example.com\r\n", "QUIT\r\n"}));
}

TEST_F(SmtpCheckTest, WithTlsItIsAskedForStarttlsAndSpokenToUnderTls) {
  const Certificate certificate{{.common_name = "mail.example.com", .names = "DNS:mail.example.com"}};
  const TlsServer tls{certificate};
  auto under_tls = tls.then([&](TlsSocket& stream) -> asio::awaitable<void> {
    std::string line;
    co_await asio::async_read_until(stream, asio::dynamic_buffer(line), "\r\n", asio::use_awaitable);
    heard.push_back("under TLS: " + line);
    const std::string answer = "250 hello\r\n";
    co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
  });
  std::string ready = "220 go on\r\n";
  const LocalServer mail{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                           co_await say(socket, "220 x\r\n");
                           heard.push_back(co_await hear_line(socket));
                           co_await say(socket, "250-x\r\n250 STARTTLS\r\n");
                           heard.push_back(co_await hear_line(socket));
                           co_await say(socket, ready);
                           co_await under_tls(socket);
                         }};
  auto check = smtp_check(mail.endpoint());
  check.tls.get().verify = false;
  const auto verdict = probe(io, check);
  EXPECT_TRUE(verdict.passed()) << verdict.reason;
  EXPECT_GT(verdict.certificate_until, 0);
  EXPECT_EQ(heard, (std::vector<std::string>{"EHLO lb1.example.com\r\n", "STARTTLS\r\n",
                                             "under TLS: EHLO lb1.example.com\r\n"}));
  ready = "220 go on\r\n250 forged\r\n";
  EXPECT_THAT(probe(io, check).reason, HasSubstr("more came before TLS"));
  ready = "454 not now\r\n";
  EXPECT_THAT(probe(io, check).reason, HasSubstr("STARTTLS to"));
}

TEST_F(SmtpCheckTest, WithoutANameItIsLocalhost) {
  const LocalServer mail{io, server("220 x\r\n", "250 y\r\n")};
  auto check = smtp_check(mail.endpoint());
  check.smtp.get().helo_name.clear();
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(heard.front(), "HELO localhost\r\n");
}

TEST_F(SmtpCheckTest, AServerThatIsTooBusyIsDown) {
  const LocalServer mail{io, server("421 too many connections\r\n", "")};
  const auto verdict = probe(io, smtp_check(mail.endpoint()));
  EXPECT_EQ(verdict.cause, Cause::status);
  EXPECT_EQ(verdict.detail, 421);
  EXPECT_EQ(verdict.reason, fmt::format("greeting of {}: 421 too many connections, wanted 220", mail.endpoint()));
}

TEST_F(SmtpCheckTest, AServerThatRefusesHeloIsDown) {
  const LocalServer mail{io, server("220 x\r\n", "550-go\r\n550 away\r\n")};
  const auto verdict = probe(io, smtp_check(mail.endpoint()));
  EXPECT_EQ(verdict.detail, 550);
  EXPECT_THAT(verdict.reason, HasSubstr(": 550 go, wanted 250"));
}

TEST_F(SmtpCheckTest, AnotherProtocolIsToldAsSuch) {
  const LocalServer web{io, server("HTTP/1.1 400 Bad Request\r\n", "")};
  const auto verdict = probe(io, smtp_check(web.endpoint()));
  EXPECT_EQ(verdict.cause, Cause::malformed);
  EXPECT_THAT(verdict.reason, HasSubstr("'HTTP/1.1 400 Bad Request' is no answer of an SMTP server"));
}

TEST_F(SmtpCheckTest, AServerThatHangsUpIsDown) {
  const LocalServer mute{io, [](tcp::socket&) -> asio::awaitable<void> { co_return; }};
  EXPECT_EQ(probe(io, smtp_check(mute.endpoint())).reason,
            fmt::format("greeting of {}: closed without an answer", mute.endpoint()));
  const LocalServer half{io, [](tcp::socket& socket) { return say(socket, "220-mail\r\n"); }};
  EXPECT_EQ(probe(io, smtp_check(half.endpoint())).reason,
            fmt::format("greeting of {}: closed in the middle of the answer", half.endpoint()));
}

TEST_F(SmtpCheckTest, AServerThatSaysNothingTimesOut) {
  const LocalServer silent{io, [](tcp::socket& socket) -> asio::awaitable<void> { co_await hear_line(socket); }};
  const auto verdict = probe(io, smtp_check(silent.endpoint(), 200ms));
  EXPECT_EQ(verdict.cause, Cause::timed_out);
  EXPECT_EQ(verdict.reason, fmt::format("greeting of {}: timed out after 0.2 s", silent.endpoint()));
}

TEST_F(SmtpCheckTest, AServerThatDripsTimesOutAllTheSame) {
  const LocalServer drip{io, [](tcp::socket& socket) -> asio::awaitable<void> {
                           asio::steady_timer timer{socket.get_executor()};
                           for (int i = 0; i < 1000; ++i) {
                             co_await say(socket, "2");
                             timer.expires_after(10ms);
                             co_await timer.async_wait(asio::use_awaitable);
                           }
                         }};
  const auto verdict = probe(io, smtp_check(drip.endpoint(), 300ms));
  EXPECT_EQ(verdict.cause, Cause::timed_out) << verdict.reason;
}

TEST_F(SmtpCheckTest, AnAnswerWithoutAnEndIsNone) {
  const LocalServer flood{io, [](tcp::socket& socket) { return say(socket, std::string(100'000, '2')); }};
  EXPECT_EQ(probe(io, smtp_check(flood.endpoint())).cause, Cause::malformed);
}

TEST_F(SmtpCheckTest, NobodyThereIsRefused) {
  LocalServer mail{io, server("220 x\r\n", "250 y\r\n")};
  const auto endpoint = mail.endpoint();
  mail.close();
  EXPECT_EQ(probe(io, smtp_check(endpoint)).reason, fmt::format("connect to {}: refused", endpoint));
}

}  // namespace
}  // namespace ballast::checkd::test
