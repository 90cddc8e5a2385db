#include "daemons/scriptd/shell/fifo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "common/runtime/log.hpp"
#include "daemons/scriptd/shell/prepare.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr mode_t mode = 0660;

Error failure(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }  // NOLINT

/// Its group comes from the process that makes it: no CAP_CHOWN is needed.
Result<> make(const config::NotifyFifo& wanted, const config::Global& global) {
  const auto reader = user_of({{}, wanted.user, wanted.group}, global);
  if (!reader) return reader.error();
  const gid_t own = getegid();
  const bool taken = setegid(reader->gid) == 0;
  const mode_t mask = umask(0);
  const bool made = mkfifo(wanted.path.c_str(), mode) == 0;
  const int error = errno;
  umask(mask);
  if (taken && setegid(own) != 0) return failure("the group");
  errno = error;
  if (!made) return failure(wanted.path);
  return {};
}

}  // namespace

Result<std::shared_ptr<Fifo>> Fifo::open(asio::io_context& io, const config::NotifyFifo& wanted,
                                         const config::Global& global) {
  struct stat info {};
  if (lstat(wanted.path.c_str(), &info) != 0) {
    if (errno != ENOENT) return failure(wanted.path);
    if (const auto made = make(wanted, global); !made) return made.error();
  } else if (!S_ISFIFO(info.st_mode)) {
    return fail("{} is no named pipe", wanted.path);
  }
  // For reading, too: then lines stay in the pipe while nobody has it open.
  const int fd = ::open(wanted.path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return failure(wanted.path);
  return std::make_shared<Fifo>(io, wanted.path, fd);
}

void Fifo::write(std::string line) {
  waiting_.push_back(std::move(line));
  if (waiting_.size() > most_waiting) {
    waiting_.erase(waiting_.begin() + 1);  // the first may be half written
    if (dropped_++ == 0) log::error("{}: nobody reads it: the oldest lines are dropped", path_);
  }
  if (std::exchange(flushing_, true)) return;
  asio::co_spawn(pipe_.get_executor(), flush(shared_from_this()), asio::detached);
}

asio::awaitable<void> Fifo::flush(std::shared_ptr<Fifo> self) {
  while (!self->waiting_.empty()) {
    const auto line = self->waiting_.front();
    const auto [error, size] =
        co_await asio::async_write(self->pipe_, asio::buffer(line), asio::as_tuple(asio::use_awaitable));
    if (error) log::error("{}: a line is lost: {}", self->path_, error.message());
    self->waiting_.pop_front();
  }
  if (const auto count = std::exchange(self->dropped_, 0); count > 0)
    log::warning("{}: read again; {} lines were dropped", self->path_, count);
  self->flushing_ = false;
}

}  // namespace ballast::scriptd
