#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <string>
#include <vector>

#include "daemons/scriptd/policy/alert.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Sends alerts by ballast-mail, one after the other and beside all else that runs: a slow mail server delays mails
/// alone.
class Post {
 public:
  Post(boost::asio::io_context& io, Runner& runner) : io_{io}, runner_{runner} {}
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  void send(const Notice& notice, const config::Global& global);
  void send(const ServiceNotice& notice, const config::Global& global);
  [[nodiscard]] bool idle() const { return !running_; }

 private:
  struct Letter {
    std::string label;
    std::vector<std::string> arguments;
    config::Global global;  ///< whose user sends it
  };
  bool has_room();
  void send(Letter letter);
  boost::asio::awaitable<void> work();

  boost::asio::io_context& io_;
  Runner& runner_;
  std::deque<Letter> waiting_;
  unsigned dropped_ = 0;
  bool running_ = false;
};

}  // namespace ballast::scriptd
