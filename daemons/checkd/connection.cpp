#include "daemons/checkd/connection.hpp"

#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {

boost::asio::awaitable<Verdict> Connection::open(const config::Check& check, TlsContexts& contexts,
                                                 const std::string& name, Alpn alpn) {
  auto verdict = co_await connect(stream_, check);
  if (!verdict.passed()) co_return verdict;
  if (!check.tls) {
    channel_ = std::make_unique<PlainChannel>(stream_);
    co_return verdict;
  }
  // The time that connect() gave the stream goes on.
  auto tls = co_await handshake(stream_, contexts, check, name, alpn);
  channel_ = std::move(tls.channel);
  co_return std::move(tls.verdict);
}

}  // namespace ballast::checkd
