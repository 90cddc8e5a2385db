#include "daemons/checkd/sources/read_aside.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <memory>
#include <system_error>
#include <thread>

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

struct Descriptor {
  explicit Descriptor(int opened) : fd{opened} {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

/// Shared with the thread, which may end long after nobody waits for it any more.
struct Job {
  Descriptor done{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::atomic<bool> ended = false;
  Result<std::string> text{std::string{}};
};

Error failure(const std::filesystem::path& path) {
  return fail("{}: {}", path.string(), std::generic_category().message(errno));
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t most) {
  // A pipe without a writer would block.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return failure(path);
  struct stat about {};
  if (fstat(file.fd, &about) != 0) return failure(path);
  if (!S_ISREG(about.st_mode)) return fail("{}: no plain file", path.string());
  std::string text;
  constexpr std::size_t step = 64U << 10;
  while (text.size() <= most) {
    const auto before = text.size();
    text.resize(before + step);
    const auto length = read(file.fd, text.data() + before, step);
    if (length < 0 && errno != EINTR) return failure(path);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    if (length == 0) return text;
  }
  return fail("{}: longer than {} KiB", path.string(), most >> 10);
}

}  // namespace

asio::awaitable<Result<std::string>> read_aside(std::filesystem::path path, std::size_t most) {
  const auto job = std::make_shared<Job>();
  const int watched = fcntl(job->done.fd, F_DUPFD_CLOEXEC, 0);
  if (watched < 0) co_return failure(path);
  asio::posix::stream_descriptor done{co_await asio::this_coro::executor, watched};
  try {
    std::thread{[job, path, most] {
      job->text = read_file(path, most);
      job->ended = true;
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = write(job->done.fd, &one, sizeof one);
    }}.detach();
  } catch (const std::system_error& exception) {
    co_return fail("{}: no thread to read it: {}", path.string(), exception.what());
  }
  co_await done.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
  if (!job->ended) co_return fail("{}: not read", path.string());  // cancelled
  co_return std::move(job->text);
}

}  // namespace ballast::checkd
