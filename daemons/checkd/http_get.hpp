#pragma once
#include <boost/beast/core/tcp_stream.hpp>

#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// HTTP_GET: each url in turn answers with a wanted status or a body of the wanted digest. Connecting and answering have
/// connect_timeout each.
class HttpGet final : public Checker {
 public:
  HttpGet(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> get(const config::HttpUrl& url);
  boost::asio::awaitable<boost::system::error_code> send(boost::beast::tcp_stream& stream, const config::HttpUrl& url);
  boost::asio::awaitable<Verdict> receive(boost::beast::tcp_stream& stream, const config::HttpUrl& url);

  boost::asio::any_io_executor executor_;
  config::Check check_;
};

/// The Host header for that url: its virtualhost, else the check's, else the address (with a port that is not 80).
std::string host_header(const config::Check& check, const config::HttpUrl& url);

/// May an answer have this status? Without ranges any 2xx may, and with a digest alone any.
bool is_wanted(const config::HttpUrl& url, unsigned status);

/// `200`, `200-299, 301`
std::string wanted_status(const config::HttpUrl& url);

}  // namespace ballast::checkd
