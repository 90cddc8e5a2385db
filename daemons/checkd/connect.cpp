#include "daemons/checkd/connect.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>
#include <fstream>

#include "common/runtime/clock.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using boost::system::error_code;

asio::ip::tcp::endpoint to_asio(const net::Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    asio::ip::address_v4::bytes_type raw{};
    std::copy_n(bytes.begin(), raw.size(), raw.begin());
    return {asio::ip::address_v4{raw}, endpoint.port};
  }
  asio::ip::address_v6::bytes_type raw{};
  std::copy_n(bytes.begin(), raw.size(), raw.begin());
  return {asio::ip::address_v6{raw}, endpoint.port};
}

namespace {

// Errors that say something of this machine and nothing of the server.
bool is_our_own(const error_code& error) {
  using namespace boost::system::errc;
  return error == too_many_files_open || error == too_many_files_open_in_system || error == no_buffer_space ||
         error == not_enough_memory || error == address_not_available || error == address_in_use ||
         error == operation_not_permitted;  // as our own packet filter says
}

/// The kernel gives no lower port to who asks for none (net.ipv4.ip_local_port_range).
unsigned least_own_port() {
  static const unsigned port = [] {
    std::ifstream range{"/proc/sys/net/ipv4/ip_local_port_range"};
    unsigned first = 0;
    range >> first;
    return range ? first : 1024;
  }();
  return port;
}

error_code last_error() { return {errno, boost::system::system_category()}; }

}  // namespace

Verdict cannot_probe(const std::string& what, const error_code& error) {
  return {Cause::cannot_probe, error.value(), fmt::format("cannot probe: {}: {}", what, error.message()), {}};
}

Verdict prepare_socket(int socket, const config::Check& check, bool with_port) {
  const auto& device = check.bind_interface;
  if (!device.empty() &&
      setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, device.data(), static_cast<socklen_t>(device.size())) != 0)
    return cannot_probe("bind_if " + device, last_error());
  if (check.fwmark != 0 && setsockopt(socket, SOL_SOCKET, SO_MARK, &check.fwmark, sizeof check.fwmark) != 0) {
    const auto error = last_error();
    auto verdict = cannot_probe(fmt::format("fwmark {}", check.fwmark), error);
    if (error == boost::system::errc::operation_not_permitted)
      verdict.reason += " (it needs CAP_NET_RAW, and before Linux 5.17 CAP_NET_ADMIN)";
    return verdict;
  }
  if (!check.bind) return {Cause::passed, 0, {}, {}};
  const auto from = to_asio({check.bind->address, with_port ? check.bind->port : std::uint16_t{0}});
  const int on = 1;
  if (from.port() != 0) {
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  } else {
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);  // connect() chooses one, for its target
  }
  if (bind(socket, from.data(), static_cast<socklen_t>(from.size())) == 0) return {Cause::passed, 0, {}, {}};
  const auto error = last_error();
  return cannot_probe("bind to " + (from.port() == 0 ? check.bind->address.to_string() : check.bind->to_string()),
                      error);
}

asio::awaitable<Verdict> timed(asio::awaitable<Verdict> probe) {
  const auto begin = runtime::BootClock::now();
  auto verdict = co_await std::move(probe);
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

std::string in_words(config::Duration duration) {
  return fmt::format("{:g} s", static_cast<double>(duration.count()) / 1e6);
}

Verdict network_failure(const std::string& what, const error_code& error, const config::Check& check, Stage stage) {
  const int detail = static_cast<int>(stage);
  using namespace boost::system::errc;
  if (error == boost::beast::error::timeout) {
    return {Cause::timed_out, detail, fmt::format("{}: timed out after {}", what, in_words(check.connect_timeout)), {}};
  }
  if (error == timed_out) return {Cause::timed_out, detail, fmt::format("{}: timed out", what), {}};
  if (error == connection_refused) return {Cause::refused, 0, fmt::format("{}: refused", what), {}};
  if (error == network_unreachable || error == host_unreachable) {
    const auto* why = error == host_unreachable ? "no route to host" : "network unreachable";
    return {Cause::unreachable, error.value(), fmt::format("{}: {}", what, why), {}};
  }
  if (error == connection_reset || error == broken_pipe)
    return {Cause::closed, 0, fmt::format("{}: connection reset", what), {}};
  if (is_our_own(error)) return cannot_probe(what, error);
  return {Cause::failed, error.value(), fmt::format("{}: {}", what, error.message()), {}};
}

asio::awaitable<Verdict> connect(boost::beast::tcp_stream& stream, const config::Check& check) {
  const auto target = to_asio(check.target);
  error_code failure;
  stream.socket().open(target.protocol(), failure);
  if (failure) co_return cannot_probe("open a socket", failure);
  auto prepared = prepare_socket(stream.socket().native_handle(), check);
  if (!prepared.passed()) co_return prepared;
  stream.expires_after(check.connect_timeout);
  const auto [error] = co_await stream.async_connect(target, asio::as_tuple(asio::use_awaitable));
  if (error) co_return network_failure(fmt::format("connect to {}", check.target), error, check);
  error_code ignored;
  // A connect to a port of this very machine that nobody listens on can meet itself.
  if (target.port() >= least_own_port() && stream.socket().local_endpoint(ignored) == target)
    co_return Verdict{Cause::refused, 0, fmt::format("connect to {}: refused", check.target), {}};
  co_return Verdict{Cause::passed, 0, {}, {}};
}

}  // namespace ballast::checkd
