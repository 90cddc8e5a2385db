#include "daemons/checkd/sources/file_looker.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

#include "common/runtime/log.hpp"
#include "daemons/checkd/sources/read_aside.hpp"
#include "daemons/checkd/sources/server_line.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t longest_file = 1U << 20;
constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::chrono::milliseconds settling{20};  // a writer's further steps are read with the first
constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

}  // namespace

FileLooker::FileLooker(asio::any_io_executor executor, config::SourceQuery query)
    : query_{std::move(query)}, path_{query_.name}, changes_{executor}, timer_{executor} {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd >= 0) {
    changes_.assign(fd);
  } else {
    log::warning("{}: cannot be watched ({}): it is looked at every {:g} s", query_.name,
                 std::generic_category().message(errno), std::chrono::duration<double>{query_.interval}.count());
  }
}

/// A watch stays with the folder it was set on: one that was replaced is watched anew.
void FileLooker::watch() {
  if (changes_.is_open()) inotify_add_watch(changes_.native_handle(), path_.parent_path().c_str(), events);
}

asio::awaitable<void> FileLooker::wait_for_change() {
  timer_.expires_after(query_.interval);
  if (!changes_.is_open()) {
    co_await timer_.async_wait(awaiting);
    co_return;
  }
  co_await (changes_.async_wait(asio::posix::descriptor_base::wait_read, awaiting) || timer_.async_wait(awaiting));
  alignas(inotify_event) std::array<char, 4096> buffer{};
  if (read(changes_.native_handle(), buffer.data(), buffer.size()) <= 0) co_return;
  timer_.expires_after(settling);
  co_await timer_.async_wait(awaiting);
  constexpr int most_reads = 64;
  for (int i = 0; i < most_reads && read(changes_.native_handle(), buffer.data(), buffer.size()) > 0; ++i) {
  }
}

asio::awaitable<Result<Found>> FileLooker::next() {
  if (!std::exchange(first_, false)) co_await wait_for_change();
  watch();
  const auto text = co_await read_aside(path_, longest_file);
  if (!text) co_return text.error();
  auto servers = parse_server_list(*text, query_.name, query_.port);
  if (!servers) co_return servers.error();
  co_return Found{std::move(*servers), {}};
}

}  // namespace ballast::checkd
