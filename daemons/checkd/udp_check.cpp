#include "daemons/checkd/udp_check.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/core/error.hpp>

#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/datagram.hpp"
#include "daemons/checkd/reply_pattern.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {
constexpr std::size_t default_payload = 16;
}

UdpCheck::UdpCheck(asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {}

asio::awaitable<Verdict> UdpCheck::probe() { return timed(ask()); }

asio::awaitable<Verdict> UdpCheck::ask() {
  const config::UdpCheck wanted = check_.udp ? *check_.udp : config::UdpCheck{};
  const auto what = fmt::format("packet to {}", check_.target);
  const auto payload = wanted.payload.empty() ? random_bytes(default_payload) : bytes_of_hex(wanted.payload);
  // One byte more than wanted, so that a longer one is seen as such.
  DatagramSocket socket{executor_, check_, std::max<std::size_t>(wanted.max_reply, wanted.reply.size()) + 1};
  auto opened = socket.open(SOCK_DGRAM, IPPROTO_UDP);
  if (!opened.passed()) co_return opened;
  if (const auto error = socket.send(payload)) co_return network_failure(what, error, check_);
  const auto received = co_await socket.receive();
  if (received.error == boost::beast::error::timeout && !wanted.require_reply)
    co_return Verdict{
        Cause::passed, 0, fmt::format("{}: not refused within {}", what, in_words(check_.connect_timeout)), {}};
  if (received.error) {
    auto verdict = network_failure(what, received.error, check_);
    if (verdict.cause == Cause::timed_out)
      verdict.reason = fmt::format("{}: no reply within {}", what, in_words(check_.connect_timeout));
    co_return verdict;
  }
  const auto fault = fault_of_reply(wanted, received.bytes.size(), received.bytes);
  if (!fault.empty()) co_return Verdict{Cause::content, 0, fmt::format("{}: {}", what, fault), {}};
  co_return Verdict{Cause::passed, 0, fmt::format("{}: {} bytes came back", what, received.bytes.size()), {}};
}

}  // namespace ballast::checkd
