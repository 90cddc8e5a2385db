#include "tools/mail/attempt.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>

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
      : server_{server},
        context_{asio::ssl::context::tls_client},
        stream_{executor, context_},
        watch_{executor},
        limit_{server.timeout} {
    boost::system::error_code ignored;
    context_.set_default_verify_paths(ignored);
    context_.set_verify_mode(asio::ssl::verify_none);
  }

  /// Errors are thrown: boost::system::system_error.
  asio::awaitable<void> connect() {
    tcp::resolver resolver{stream_.get_executor()};
    expect("resolving the name");
    const auto found = co_await resolver.async_resolve(server_.host, server_.port, asio::use_awaitable);
    auto& socket = stream_.next_layer();
    boost::system::error_code failure = asio::error::host_not_found;
    for (const auto& each : found) {
      socket.close(failure);
      expect("the connection");
      const auto [error] = co_await socket.async_connect(each.endpoint(), asio::as_tuple(asio::use_awaitable));
      if (!error) co_return;
      failure = error;
    }
    throw boost::system::system_error{failure};
  }

  asio::awaitable<void> handshake() {
    name_server();
    expect("the TLS handshake");
    co_await stream_.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    encrypted_ = true;
  }

  asio::awaitable<void> send(const std::string& text) {
    expect("sending");
    if (encrypted_)
      co_await asio::async_write(stream_, asio::buffer(text), asio::use_awaitable);
    else
      co_await asio::async_write(stream_.next_layer(), asio::buffer(text), asio::use_awaitable);
  }

  /// Has the time that `expect` gave.
  asio::awaitable<std::size_t> receive(std::span<char> into) {
    const asio::mutable_buffer buffer{into.data(), into.size()};
    if (encrypted_) co_return co_await stream_.async_read_some(buffer, asio::use_awaitable);
    co_return co_await stream_.next_layer().async_read_some(buffer, asio::use_awaitable);
  }

  /// From now on there is so much time for it.
  void expect(const char* what) {
    waits_for_ = what;
    late_ = false;
    watch_.expires_after(limit_);
    watch_.async_wait([this, life = std::weak_ptr{life_}](boost::system::error_code error) {
      if (error || life.expired()) return;
      late_ = true;
      boost::system::error_code ignored;
      stream_.next_layer().close(ignored);
    });
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
      return fmt::format("{} took more than {:g} s", waits_for_, std::chrono::duration<double>(limit_).count());
    if (error.code() == asio::error::eof) return "the server closed the connection";
    return fmt::format("{}: {}", waits_for_, error.code().message());
  }

 private:
  /// For the certificate, and for a server of many names; an address is none (RFC 6066 section 3).
  void name_server() {
    auto* tls = stream_.native_handle();
    boost::system::error_code no_address;
    (void)asio::ip::make_address(server_.host, no_address);
    if (!no_address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), server_.host.c_str());
      return;
    }
    SSL_set_tlsext_host_name(tls, server_.host.c_str());
    SSL_set1_host(tls, server_.host.c_str());
  }

  const Server& server_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer watch_;
  const char* waits_for_ = "";
  std::chrono::milliseconds limit_;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);  ///< a timer that expired may call after our end
  bool encrypted_ = false;
  bool late_ = false;
};

struct Garbled {
  std::string what;
};

asio::awaitable<net::SmtpReply> await_reply(Connection& connection, net::SmtpReplyParser& parser) {
  std::array<char, 4096> buffer{};
  connection.expect("an answer");
  while (true) {
    if (auto reply = parser.next()) co_return std::move(*reply);
    const auto size = co_await connection.receive(buffer);
    if (const auto fed = parser.feed({buffer.data(), size}); !fed) throw Garbled{fed.error().message};
  }
}

/// The server has the mail, or does not want it: a farewell that may fail.
asio::awaitable<void> say_goodbye(Connection& connection, net::SmtpReplyParser& parser) {
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

asio::awaitable<Verdict> converse(Connection& connection, net::SmtpReplyParser& parser, Dialogue& dialogue,
                                  bool& in_handshake) {
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
    verdict.deferred = dialogue.deferred();
    verdict.how = verdict.sent ? fmt::format("{} ({})", step.text, connection.protection()) : step.text;
    co_return verdict;
  }
}

}  // namespace

asio::awaitable<Verdict> attempt(const Server& server, const Letter& letter, bool with_tls) {
  Connection connection{co_await asio::this_coro::executor, server};
  net::SmtpReplyParser parser;
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
