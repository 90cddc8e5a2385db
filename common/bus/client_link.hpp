#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <unordered_set>

#include "common/bus/framing.hpp"

namespace ballast::bus {

/// A path as a Unix socket's address. Error: longer than the 107 bytes that unix(7) allows.
Result<boost::asio::local::stream_protocol::endpoint> socket_address(const std::filesystem::path& path);

/// One connection of a client: frames in, frames out. Closed for good once; a reconnect makes a new one.
class ClientLink : public std::enable_shared_from_this<ClientLink> {
 public:
  /// What is published of a topic now.
  using Latest = std::function<FrameBytes(const std::string& topic)>;
  ClientLink(boost::asio::io_context& io, Latest latest) : socket_{io}, drained_{io}, latest_{std::move(latest)} {}

  boost::asio::awaitable<Result<>> connect(const std::filesystem::path& path);
  /// Queues a frame; beyond max_frame of them unwritten the link is closed (the reconnect publishes anew).
  void send(FrameBytes frame);
  /// Queues a topic that has another value: the latest is written when its turn comes, so that a slow reader costs no
  /// memory however often it changes, and however many there are after a reconnect.
  void send_latest(const std::string& topic);
  /// Hands over frames until the other side ends, breaks the rules, or `handle` returns an error; that reason.
  boost::asio::awaitable<Error> receive(std::function<Result<>(const nlohmann::json&)> handle);
  /// Waits until all is written, at most that long.
  boost::asio::awaitable<void> drain(std::chrono::milliseconds limit);
  void close();

 private:
  struct Item {
    FrameBytes frame;   ///< none: the latest of the topic
    std::string topic;  ///< empty: of none
  };
  void push(Item item);
  boost::asio::awaitable<void> write_queue();

  boost::asio::local::stream_protocol::socket socket_;
  boost::asio::steady_timer drained_;
  Latest latest_;
  std::deque<Item> queue_;
  std::unordered_set<std::string> waiting_;  ///< topics in the queue
  std::size_t queued_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace ballast::bus
