#pragma once
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>

#include "common/bus/access.hpp"

namespace ballast::bus {

/// A file lock on a run directory, held as long as this lives.
class RunDirLock {
 public:
  /// Makes the directory (mode 0755) where it is missing. The error of a directory in use names the process.
  static Result<RunDirLock> take(const std::filesystem::path& run_dir);
  RunDirLock(RunDirLock&& other) noexcept;
  RunDirLock& operator=(RunDirLock&&) = delete;
  ~RunDirLock();

 private:
  explicit RunDirLock(int fd) : fd_{fd} {}
  int fd_;
};

/// The machine's accounts. Where there is no user `ballast`, daemons that need no root run as `nobody`.
Accounts find_accounts();

/// Listens at that path, whatever was there before; mode 0660 for the group `ballast`.
Result<boost::asio::local::stream_protocol::acceptor> listen(const boost::asio::any_io_executor& executor,
                                                             const std::filesystem::path& socket,
                                                             const Accounts& accounts);

/// A child that held a connection open would hide from both its ends that the other is gone.
void keep_from_children(int descriptor);

/// Who is at the other end.
Result<Peer> peer_of(int socket);

}  // namespace ballast::bus
