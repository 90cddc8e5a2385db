#pragma once
#include <boost/asio/ssl.hpp>

#include "tests/unit/checkd/certificates.hpp"
#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
namespace ssl = asio::ssl;

using TlsSocket = ssl::stream<tcp::socket&>;
using TlsBehaviour = std::function<asio::awaitable<void>(TlsSocket&)>;

/// A server's side of TLS.
class TlsServer {
 public:
  explicit TlsServer(const Certificate& certificate, const std::string& more_pem = "")
      : context_{std::make_shared<ssl::context>(ssl::context::tls_server)},
        sni_{std::make_shared<std::string>("(none)")} {
    context_->use_certificate_chain(asio::buffer(certificate.pem() + more_pem));
    context_->use_private_key(asio::buffer(certificate.key_pem()), ssl::context::pem);
  }
  [[nodiscard]] SSL_CTX* native() { return context_->native_handle(); }
  /// The name that the client sent last.
  [[nodiscard]] const std::string& sni() const { return *sni_; }
  void agree_to_h2() {
    const auto choose = [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                           unsigned size, void*) {
      const unsigned char wanted[] = {2, 'h', '2'};
      auto* chosen = const_cast<unsigned char*>(*out);
      const auto found = SSL_select_next_proto(&chosen, length, wanted, sizeof wanted, in, size);
      *out = chosen;
      return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    };
    SSL_CTX_set_alpn_select_cb(native(), choose, nullptr);
  }
  /// Shakes hands, then behaves.
  [[nodiscard]] Behaviour then(TlsBehaviour behaviour) const {
    return [context = context_, sni = sni_,
            behaviour = std::move(behaviour)](tcp::socket& socket) -> asio::awaitable<void> {
      TlsSocket stream{socket, *context};
      co_await stream.async_handshake(ssl::stream_base::server, asio::use_awaitable);
      const auto* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      *sni = name == nullptr ? "" : name;
      co_await behaviour(stream);
    };
  }

 private:
  std::shared_ptr<ssl::context> context_;
  std::shared_ptr<std::string> sni_;
};

/// Reads a request of HTTP/1 and answers every one with these bytes.
inline TlsBehaviour tls_answering(std::string answer) {
  return [answer = std::move(answer)](TlsSocket& stream) -> asio::awaitable<void> {
    std::string request;
    co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
    co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
  };
}

}  // namespace ballast::checkd::test
