#include "tools/mail/attempt.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <optional>

#include "tools/mail/dialogue.hpp"

namespace ballast::mail {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto pause_of_quit = std::chrono::seconds{1};

/// Whatever takes longer than the timeout ends with operation_aborted, because the socket is closed then.
class Connection {
 public:
  Connection(const asio::any_io_executor& executor, const Server& server)
      : server_{server}, context_{asio::ssl::context::tls_client}, stream_{executor, context_}, watch_{executor} {
    boost::system::error_code ignored;
    context_.set_default_verify_paths(ignored);
    context_.set_verify_mode(asio::ssl::verify_none);
  }

  /// Errors are thrown: boost::system::system_error.
  asio::awaitable<void> connect() {
    tcp::resolver resolver{stream_.get_executor()};
    start("resolving the name");
    const auto found = co_await resolver.async_resolve(server_.host, server_.port, asio::use_awaitable);
    start("the connection");
    co_await asio::async_connect(stream_.next_layer(), found, asio::use_awaitable);
  }

  asio::awaitable<void> handshake() {
    SSL_set_tlsext_host_name(stream_.native_handle(), server_.host.c_str());
    SSL_set1_host(stream_.native_handle(), server_.host.c_str());
    start("the TLS handshake");
    co_await stream_.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    encrypted_ = true;
  }

  asio::awaitable<void> send(const std::string& text) {
    start("sending");
    if (encrypted_)
      co_await asio::async_write(stream_, asio::buffer(text), asio::use_awaitable);
    else
      co_await asio::async_write(stream_.next_layer(), asio::buffer(text), asio::use_awaitable);
  }

  asio::awaitable<std::size_t> receive(std::span<char> into) {
    start("an answer");
    const asio::mutable_buffer buffer{into.data(), into.size()};
    if (encrypted_) co_return co_await stream_.async_read_some(buffer, asio::use_awaitable);
    co_return co_await stream_.next_layer().async_read_some(buffer, asio::use_awaitable);
  }

  void hurry() { limit_ = pause_of_quit; }
  void rest() { watch_.cancel(); }

  /// How the mail travelled.
  [[nodiscard]] std::string protection() {
    if (!encrypted_) return "not encrypted";
    const auto* version = SSL_get_version(stream_.native_handle());
    const auto verified = SSL_get_verify_result(stream_.native_handle());
    if (verified == X509_V_OK) return fmt::format("{}, certificate verified", version);
    return fmt::format("{}, certificate not verified: {}", version, X509_verify_cert_error_string(verified));
  }

  /// An error that was thrown, in words.
  [[nodiscard]] std::string describe(const boost::system::system_error& error) const {
    if (late_)
      return fmt::format("{} took more than {:g} s", waits_for_, std::chrono::duration<double>(*limit_).count());
    if (error.code() == asio::error::eof) return "the server closed the connection";
    return fmt::format("{}: {}", waits_for_, error.code().message());
  }

 private:
  void start(const char* what) {
    waits_for_ = what;
    if (!limit_) limit_ = server_.timeout;
    watch_.expires_after(*limit_);
    watch_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      late_ = true;
      boost::system::error_code ignored;
      stream_.next_layer().close(ignored);
    });
  }

  const Server& server_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer watch_;
  const char* waits_for_ = "";
  std::optional<std::chrono::milliseconds> limit_;
  bool encrypted_ = false;
  bool late_ = false;
};

struct Garbled {
  std::string what;
};

asio::awaitable<Reply> await_reply(Connection& connection, ReplyParser& parser) {
  std::array<char, 4096> buffer{};
  while (true) {
    if (auto reply = parser.next()) co_return std::move(*reply);
    const auto size = co_await connection.receive(buffer);
    if (const auto fed = parser.feed({buffer.data(), size}); !fed) throw Garbled{fed.error().message};
  }
}

/// The server has the mail, or does not want it: a farewell that may fail.
asio::awaitable<void> say_goodbye(Connection& connection, ReplyParser& parser) {
  connection.hurry();
  try {
    const std::string quit = "QUIT\r\n";
    co_await connection.send(quit);
    co_await await_reply(connection, parser);
  } catch (const boost::system::system_error&) {
  } catch (const Garbled&) {
  }
  connection.rest();
}

asio::awaitable<Verdict> converse(Connection& connection, ReplyParser& parser, Dialogue& dialogue, bool& in_handshake) {
  while (true) {
    const auto reply = co_await await_reply(connection, parser);
    auto step = dialogue.on_reply(reply);
    if (step.kind == Step::Kind::start_tls) {
      if (!parser.empty()) throw Garbled{"the server spoke on after STARTTLS"};
      in_handshake = true;
      co_await connection.handshake();
      in_handshake = false;
      step = dialogue.on_tls();
    }
    if (step.kind == Step::Kind::send) {
      co_await connection.send(step.text);
      continue;
    }
    Verdict verdict;
    verdict.sent = step.kind == Step::Kind::done;
    verdict.temporary = step.temporary;
    verdict.how = verdict.sent ? fmt::format("{} ({})", step.text, connection.protection()) : step.text;
    co_return verdict;
  }
}

}  // namespace

asio::awaitable<Verdict> attempt(const Server& server, const Letter& letter, bool with_tls) {
  Connection connection{co_await asio::this_coro::executor, server};
  ReplyParser parser;
  Dialogue dialogue{letter, server.helo, with_tls};
  bool in_handshake = false;
  Verdict verdict;
  verdict.temporary = true;
  try {
    co_await connection.connect();
    verdict = co_await converse(connection, parser, dialogue, in_handshake);
    co_await say_goodbye(connection, parser);
  } catch (const boost::system::system_error& error) {
    verdict.how = connection.describe(error);
    verdict.tls_failed = in_handshake;
  } catch (const Garbled& garbled) {
    verdict.how = garbled.what;
  }
  connection.rest();
  co_return verdict;
}

}  // namespace ballast::mail
