#include "daemons/checkd/datagram.hpp"

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>

#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

error_code last_error() { return {errno, boost::system::system_category()}; }

// Without this only what is final is told; a host that does not answer ARP is not (ip(7), IP_RECVERR).
void hear_icmp(int socket, const net::IpAddress& target) {
  const int on = 1;
  if (target.is_v4()) {
    setsockopt(socket, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    setsockopt(socket, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
}

}  // namespace

std::vector<std::uint8_t> random_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  while (getrandom(bytes.data(), bytes.size(), 0) < 0 && errno == EINTR) {
  }
  return bytes;
}

asio::awaitable<error_code> wait_readable(asio::posix::stream_descriptor& from, asio::steady_timer& limit) {
  const auto first =
      co_await (from.async_wait(asio::posix::descriptor_base::wait_read, awaiting) || limit.async_wait(awaiting));
  if (first.index() == 1) co_return boost::beast::error::timeout;
  co_return std::get<0>(std::get<0>(first));
}

DatagramSocket::DatagramSocket(const asio::any_io_executor& executor, const config::Check& check, std::size_t longest)
    : check_(check), socket_(executor), limit_(executor), buffer_(longest) {
  limit_.expires_after(check.connect_timeout);
}

Verdict DatagramSocket::open(int type, int protocol, error_code* error) {
  const int fd = ::socket(check_.target.address.af(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    const auto failure = last_error();
    if (error != nullptr) *error = failure;
    return cannot_probe("open a socket", failure);
  }
  socket_.assign(fd);
  const bool has_ports = protocol == IPPROTO_UDP;
  auto prepared = prepare_socket(fd, check_, has_ports);
  if (!prepared.passed()) return prepared;
  hear_icmp(fd, check_.target.address);
  const auto target = to_asio({check_.target.address, has_ports ? check_.target.port : std::uint16_t{0}});
  if (::connect(fd, target.data(), static_cast<socklen_t>(target.size())) == 0) return {Cause::passed, 0, {}, {}};
  const auto failure = last_error();
  return network_failure(fmt::format("connect to {}", check_.target.address), failure, check_);
}

error_code DatagramSocket::send(std::span<const std::uint8_t> bytes) {
  if (::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return {};
  return last_error();
}

asio::awaitable<DatagramSocket::Received> DatagramSocket::receive() {
  while (limit_.expiry() > asio::steady_timer::clock_type::now()) {
    const auto size = ::recv(socket_.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size >= 0) co_return Received{{}, {buffer_.data(), static_cast<std::size_t>(size)}};
    if (errno != EAGAIN && errno != EINTR) co_return Received{last_error(), {}};
    const auto error = co_await wait_readable(socket_, limit_);
    if (error) co_return Received{error, {}};
  }
  co_return Received{boost::beast::error::timeout, {}};
}

}  // namespace ballast::checkd
