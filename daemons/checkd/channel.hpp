#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace ballast::checkd {

/// A connection as what is spoken over it sees it: plain or under TLS. The time limit is the tcp_stream's below it.
class Channel {
 public:
  struct Transfer {
    boost::system::error_code error;
    std::size_t size = 0;
  };
  Channel() = default;
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// At least one byte, or an error; the peer's end is asio::error::eof, however it comes.
  virtual boost::asio::awaitable<Transfer> read_some(boost::asio::mutable_buffer to) = 0;
  /// All of it.
  virtual boost::asio::awaitable<boost::system::error_code> write(boost::asio::const_buffer from) = 0;
};

/// Over TCP alone. The stream must outlive it.
class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(boost::beast::tcp_stream& stream) : stream_{stream} {}
  boost::asio::awaitable<Transfer> read_some(boost::asio::mutable_buffer to) override {
    const auto [error, size] = co_await stream_.async_read_some(to, awaiting);
    co_return Transfer{error, size};
  }
  boost::asio::awaitable<boost::system::error_code> write(boost::asio::const_buffer from) override {
    const auto [error, size] = co_await boost::asio::async_write(stream_, from, awaiting);
    co_return error;
  }

 private:
  static constexpr auto awaiting = boost::asio::as_tuple(boost::asio::use_awaitable);
  boost::beast::tcp_stream& stream_;
};

}  // namespace ballast::checkd
