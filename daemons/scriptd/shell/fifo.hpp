#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <memory>
#include <string>

#include "common/config/model.hpp"
#include "common/result.hpp"

namespace ballast::scriptd {

/// A named pipe with one line a change. What its reader has not taken yet waits, in the pipe and then here, up to a
/// bound; beyond it the oldest lines go, and the log says so.
class Fifo : public std::enable_shared_from_this<Fifo> {
 public:
  /// Makes the pipe where it is not there yet: root's, readable and writable by the user's group (mode 0660). Errors:
  /// it is something else, cannot be made or opened.
  static Result<std::shared_ptr<Fifo>> open(boost::asio::io_context& io, const config::NotifyFifo& wanted,
                                            const config::Global& global);
  Fifo(boost::asio::io_context& io, std::string path, int fd) : path_{std::move(path)}, pipe_{io, fd} {}

  void write(std::string line);

  static constexpr std::size_t most_waiting = 100'000;  ///< all servers of a site may change at once

 private:
  static boost::asio::awaitable<void> flush(std::shared_ptr<Fifo> self);

  std::string path_;
  boost::asio::posix::stream_descriptor pipe_;
  std::deque<std::string> waiting_;
  std::size_t dropped_ = 0;
  bool flushing_ = false;
};

}  // namespace ballast::scriptd
