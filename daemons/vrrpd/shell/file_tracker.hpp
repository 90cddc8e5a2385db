#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <map>
#include <vector>

#include "common/config/model_tracking.hpp"
#include "daemons/vrrpd/shell/track_report.hpp"

namespace ballast::vrrpd {

/// Reads the numbers of tracked files, at once when something in their folders changes (inotify); a folder that cannot
/// be watched is looked at every second.
class FileTracker {
 public:
  FileTracker(boost::asio::io_context& io, TrackReport report);

  /// Tells of each file before it returns. `fresh`: files are written as init_file says.
  void apply(const std::vector<config::TrackedFile>& files, bool fresh);

 private:
  void watch_folders();
  void wait();
  void look_again();
  void drain();
  void tell(const config::TrackedFile& file);

  TrackReport report_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer poll_;
  std::vector<config::TrackedFile> files_;
  std::map<std::filesystem::path, int> folders_;  ///< inotify's watch; -1: none
  std::map<std::string, std::string> told_;       ///< by file: its last fault
};

/// The number that a tracked file holds: the first word, at most 64 bytes are read. Errors: not there, no plain file,
/// no number.
Result<int> read_number(const std::filesystem::path& file);

}  // namespace ballast::vrrpd
