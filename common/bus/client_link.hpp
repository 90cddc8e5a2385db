#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/bus/framing.hpp"

namespace ballast::bus {

/// A path as a Unix socket's address. Error: longer than the 107 bytes that unix(7) allows.
Result<boost::asio::local::stream_protocol::endpoint> socket_address(const std::filesystem::path& path);

/// One connection of a client: frames in, frames out. Closed for good once; a reconnect makes a new one.
class ClientLink : public std::enable_shared_from_this<ClientLink> {
 public:
  explicit ClientLink(boost::asio::io_context& io) : socket_{io}, drained_{io} {}

  boost::asio::awaitable<Result<>> connect(const std::filesystem::path& path);
  /// Queues a frame; beyond max_frame of them unwritten the link is closed (the reconnect publishes anew).
  void send(FrameBytes frame);
  /// Hands over frames until the other side ends, breaks the rules, or `handle` returns an error; that reason.
  boost::asio::awaitable<Error> receive(std::function<Result<>(const nlohmann::json&)> handle);
  /// Waits until all is written, at most that long.
  boost::asio::awaitable<void> drain(std::chrono::milliseconds limit);
  void close();

 private:
  boost::asio::awaitable<void> write_queue();

  boost::asio::local::stream_protocol::socket socket_;
  boost::asio::steady_timer drained_;
  std::deque<FrameBytes> queue_;
  std::size_t queued_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace ballast::bus
