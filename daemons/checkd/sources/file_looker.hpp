#pragma once
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "daemons/checkd/sources/looker.hpp"

namespace ballast::checkd {

/// Servers of a file, read when its folder changes (inotify) and every interval.
class FileLooker : public Looker {
 public:
  FileLooker(boost::asio::any_io_executor executor, config::SourceQuery query);
  boost::asio::awaitable<Result<Found>> next() override;

 private:
  void watch();
  boost::asio::awaitable<void> wait_for_change();

  config::SourceQuery query_;
  std::filesystem::path path_;
  boost::asio::posix::stream_descriptor changes_;  ///< closed where inotify cannot be had
  boost::asio::steady_timer timer_;
  bool first_ = true;
};

}  // namespace ballast::checkd
