#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <memory>

namespace ballast::scriptd {

/// Lets so many in at once; the others wait, in the order of their coming.
class Gate {
 public:
  Gate(boost::asio::io_context& io, std::size_t most) : io_{io}, room_{most} {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Then leave(), once.
  boost::asio::awaitable<void> enter() {
    if (room_ > 0) {
      --room_;
      co_return;
    }
    const auto turn = std::make_shared<boost::asio::steady_timer>(io_, boost::asio::steady_timer::time_point::max());
    waiting_.push_back(turn);
    co_await turn->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  void leave() {
    if (waiting_.empty()) {
      ++room_;
      return;
    }
    waiting_.front()->cancel();  // whose turn it is takes our room
    waiting_.pop_front();
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  boost::asio::io_context& io_;
  std::size_t room_;
  std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace ballast::scriptd
