#pragma once
#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include "common/net/ip_address.hpp"
#include "daemons/checkd/waiting.hpp"

namespace ballast::checkd {

/// Where to connect to, as the kernel wants it.
struct SocketAddress {
  explicit SocketAddress(const net::Endpoint& endpoint);
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// Connects to thousands of servers each second and hangs up, with as few system calls as that takes.
class Connector final : public boost::asio::execution_context::service {
 public:
  static inline boost::asio::execution_context::id id;

  explicit Connector(boost::asio::execution_context& context);
  static Connector& of(const boost::asio::any_io_executor& executor);

  struct Outcome {
    boost::system::error_code error;  ///< boost::beast::error::timeout: not within the limit
    const char* ours = nullptr;       ///< what this machine could not do: `open a socket`, `bind`, `watch sockets`
  };
  /// Opens a connection to `target` from `source` (null: any) and resets it, so that nothing of it is left on either
  /// side: a normal close would keep a minute of probes in TIME_WAIT.
  boost::asio::awaitable<Outcome> connect(const SocketAddress& target, const SocketAddress* source,
                                          std::chrono::microseconds limit);

 private:
  class Attempt;
  void shutdown() override;
  bool open(Outcome& outcome);
  boost::asio::awaitable<void> watch();

  Clockwork& clockwork_;
  boost::asio::posix::stream_descriptor events_;  ///< an epoll instance of all attempts
  std::size_t pending_ = 0;
  bool watching_ = false;
};

}  // namespace ballast::checkd
