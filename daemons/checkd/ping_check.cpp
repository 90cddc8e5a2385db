#include "daemons/checkd/ping_check.hpp"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/datagram.hpp"
#include "daemons/checkd/echo.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

constexpr std::size_t data_size = 16;
constexpr int most_strangers = 100;  // packets that are not our answer

int protocol_of(net::Family family) { return family == net::Family::ipv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}; }

// A raw socket hears everybody's ICMP: echo replies are enough.
void hear_replies_only(int socket, net::Family family) {
  if (family == net::Family::ipv4) {
    const icmp_filter all_but{~(1U << ICMP_ECHOREPLY)};
    setsockopt(socket, SOL_RAW, ICMP_FILTER, &all_but, sizeof all_but);
  } else {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
}

Verdict open_icmp(DatagramSocket& socket, net::Family family, bool& raw) {
  boost::system::error_code refused;
  auto opened = socket.open(SOCK_DGRAM, protocol_of(family), &refused);
  if (!refused) return opened;
  raw = true;
  refused.clear();
  opened = socket.open(SOCK_RAW, protocol_of(family), &refused);
  if (refused == boost::system::errc::operation_not_permitted) {
    return {Cause::cannot_probe,
            refused.value(),
            "cannot probe: ping takes a group of checkd's in net.ipv4.ping_group_range, or CAP_NET_RAW",
            {}};
  }
  if (opened.passed()) hear_replies_only(socket.native_handle(), family);
  return opened;
}

}  // namespace

bool may_use_ping_socket(net::Family family) {
  const int fd =
      socket(family == net::Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, protocol_of(family));
  if (fd >= 0) close(fd);
  return fd >= 0;
}

PingCheck::PingCheck(asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {}

asio::awaitable<Verdict> PingCheck::probe() { return timed(ask()); }

asio::awaitable<Verdict> PingCheck::ask() {
  const auto family = check_.target.address.family();
  const auto what = fmt::format("ping {}", check_.target.address);
  DatagramSocket socket{executor_, check_};
  bool raw = false;
  auto opened = open_icmp(socket, family, raw);
  if (!opened.passed()) {
    if (opened.cause == Cause::unreachable) opened.reason = what + opened.reason.substr(opened.reason.rfind(": "));
    co_return opened;
  }
  const auto random = random_bytes(2 + data_size);
  Echo echo{static_cast<std::uint16_t>(random[0] << 8 | random[1]), 1, {random.begin() + 2, random.end()}};
  if (const auto error = socket.send(encode_echo_request(family, echo))) co_return network_failure(what, error, check_);
  for (int strangers = 0; strangers < most_strangers; ++strangers) {
    const auto received = co_await socket.receive();
    if (received.error) co_return network_failure(what, received.error, check_);
    const auto reply = parse_echo_reply(family, received.bytes, raw && family == net::Family::ipv4);
    if (!reply || reply->sequence != echo.sequence || reply->data != echo.data) continue;
    if (raw && reply->id != echo.id) continue;  // a ping socket has an id of its own from the kernel
    co_return Verdict{Cause::passed, 0, what + ": answered", {}};
  }
  co_return Verdict{Cause::malformed, 0, what + ": nothing but answers to others", {}};
}

}  // namespace ballast::checkd
