#include "common/runtime/systemd.hpp"

#include <systemd/sd-daemon.h>

namespace ballast::runtime {

namespace asio = boost::asio;

void notify_systemd(const char* state) { sd_notify(0, state); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds < 2) return std::nullopt;
  return std::chrono::microseconds{microseconds / 2};
}

asio::awaitable<void> keep_systemd_informed() {
  notify_systemd("READY=1");
  const auto interval = watchdog_interval();
  if (!interval) co_return;
  asio::steady_timer timer{co_await asio::this_coro::executor};
  for (;;) {
    notify_systemd("WATCHDOG=1");
    timer.expires_after(*interval);
    const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
  }
}

}  // namespace ballast::runtime
