#pragma once
#include <boost/asio/any_io_executor.hpp>

#include "daemons/checkd/tls.hpp"

namespace ballast::checkd {

/// A connection to a check's target, under TLS where the check has a `tls` part.
class Connection {
 public:
  explicit Connection(const boost::asio::any_io_executor& executor) : stream_{executor} {}
  /// Connecting and the TLS handshake have connect_timeout together. `name` and `alpn` as in handshake().
  boost::asio::awaitable<Verdict> open(const config::Check& check, TlsContexts& contexts, const std::string& name,
                                       Alpn alpn = Alpn::nothing);
  /// Once it is open.
  [[nodiscard]] Channel& channel() { return *channel_; }
  /// All has been said: it is reset at its end, so that nothing of thousands of them is left on either side.
  void reset_at_end() {
    boost::system::error_code ignored;
    stream_.socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
  }
  /// All that follows has that time.
  void expires_after(config::Duration time) { stream_.expires_after(time); }

 private:
  boost::beast::tcp_stream stream_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace ballast::checkd
