#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

namespace ballast::runtime {

/// sd_notify(3) with this state; nothing where NOTIFY_SOCKET is not set.
void notify_systemd(const char* state);

/// Half of what WATCHDOG_USEC asks for, if systemd watches this very process.
std::optional<std::chrono::microseconds> watchdog_interval();

/// Tells systemd READY=1, then WATCHDOG=1 from the loop as long as the loop turns. Ends by cancellation or with the
/// loop.
boost::asio::awaitable<void> keep_systemd_informed();

}  // namespace ballast::runtime
