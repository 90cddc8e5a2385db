#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "common/config/model.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// Random bytes from the kernel.
std::vector<std::uint8_t> random_bytes(std::size_t count);

/// Waits for something to read, until the timer expires (beast::error::timeout).
boost::asio::awaitable<boost::system::error_code> wait_readable(boost::asio::posix::stream_descriptor& from,
                                                                boost::asio::steady_timer& limit);

/// A socket of datagrams, UDP or ICMP, that is connected to a check's target and hears what ICMP says of its packets.
/// All of its waiting together lasts connect_timeout at most.
class DatagramSocket {
 public:
  /// The check must outlive it. What is received is cut at `longest` bytes.
  DatagramSocket(const boost::asio::any_io_executor& executor, const config::Check& check, std::size_t longest = 4096);

  /// `type` SOCK_DGRAM or SOCK_RAW, `protocol` IPPROTO_… Passed; or why not: in `error` as well, where the kernel
  /// refused to open it.
  Verdict open(int type, int protocol, boost::system::error_code* error = nullptr);
  [[nodiscard]] int native_handle() { return socket_.native_handle(); }

  boost::system::error_code send(std::span<const std::uint8_t> bytes);

  struct Received {
    boost::system::error_code error;      ///< beast::error::timeout when the time is over
    std::span<const std::uint8_t> bytes;  ///< good until the next one
  };
  boost::asio::awaitable<Received> receive();

 private:
  const config::Check& check_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer limit_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace ballast::checkd
