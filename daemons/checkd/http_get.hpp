#pragma once
#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/connection.hpp"
#include "daemons/checkd/http_answer.hpp"

namespace ballast::checkd {

/// HTTP_GET and SSL_GET: each url in turn answers with a wanted status and a body of the wanted digest, in which the
/// regex matches. Connecting (with the TLS handshake) and answering have connect_timeout each.
class HttpGet final : public Checker {
 public:
  HttpGet(const Surroundings& surroundings, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> get(std::size_t number);
  boost::asio::awaitable<Verdict> converse(Channel& channel, std::size_t number);
  [[nodiscard]] std::string request(const config::HttpUrl& url) const;

  boost::asio::any_io_executor executor_;
  std::shared_ptr<TlsContexts> tls_;
  config::Check check_;
  std::vector<std::string> requests_;                  ///< of each url, in HTTP/1
  std::vector<std::optional<config::Regex>> regexes_;  ///< of each url
  std::string bad_regex_;                              ///< why one does not compile
};

/// The Host header for that url: its virtualhost, else the check's, else tls_server_name, else the address (with a port
/// that is not the protocol's own).
std::string host_header(const config::Check& check, const config::HttpUrl& url);

}  // namespace ballast::checkd
