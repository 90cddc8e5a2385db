#include "daemons/checkd/file_check.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/datagram.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

constexpr std::size_t longest_text = 64;  // a number is shorter
constexpr char good = '+';
constexpr char bad = '-';

std::string why() { return bad + std::generic_category().message(errno); }

// `+` and what the file begins with, or `-` and why it cannot be read.
std::string read_beginning(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return why();
  struct stat about {};
  std::string made(1 + longest_text, good);
  const bool plain = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  const auto size = plain ? read(fd, made.data() + 1, longest_text) : 0;
  if (!plain) {
    made = bad + std::string{"it is no plain file"};
  } else if (size < 0) {
    made = why();
  } else {
    made.resize(1 + static_cast<std::size_t>(size));
  }
  close(fd);
  return made;
}

}  // namespace

FileCheck::FileCheck(asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {}

asio::awaitable<Verdict> FileCheck::probe() { return timed(ask()); }

Verdict FileCheck::too_late() const {
  auto reason = fmt::format("track_file {} ({}): not read within {}", check_.file->name, check_.file->path,
                            in_words(check_.connect_timeout));
  return {Cause::timed_out, 0, std::move(reason), {}};
}

asio::awaitable<Verdict> FileCheck::ask() {
  if (reading_->load()) co_return too_late();  // the thread of an earlier probe hangs: one is enough
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    co_return cannot_probe("read a file", {errno, boost::system::system_category()});
  asio::posix::stream_descriptor ours{executor_, ends[0]};
  *reading_ = true;
  try {
    std::thread{[path = check_.file->path, end = ends[1], reading = reading_] {
      const auto text = read_beginning(path);
      *reading = false;
      static_cast<void>(send(end, text.data(), text.size(), MSG_NOSIGNAL));
      close(end);
    }}.detach();
  } catch (const std::system_error& error) {
    *reading_ = false;
    close(ends[1]);
    co_return cannot_probe("start a thread", {error.code().value(), boost::system::system_category()});
  }
  asio::steady_timer limit{executor_};
  limit.expires_after(check_.connect_timeout);
  if (co_await wait_readable(ours, limit)) co_return too_late();
  std::array<char, 256> buffer{};
  const auto size = recv(ours.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 1) co_return too_late();
  const std::string text{buffer.data() + 1, static_cast<std::size_t>(size) - 1};
  co_return judge_file(*check_.file, buffer[0] == good ? FileText{text, {}} : FileText{{}, text});
}

}  // namespace ballast::checkd
