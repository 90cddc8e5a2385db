#include "daemons/checkd/connect.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>

#include <algorithm>

namespace ballast::checkd {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

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

Verdict cannot_probe(const std::string& what, const error_code& error) {
  return {Cause::cannot_probe, error.value(), fmt::format("cannot probe: {}: {}", what, error.message()), {}};
}

// Errors that say something of this machine and nothing of the server.
bool is_our_own(const error_code& error) {
  using namespace boost::system::errc;
  return error == too_many_files_open || error == too_many_files_open_in_system || error == no_buffer_space ||
         error == not_enough_memory || error == address_not_available || error == address_in_use;
}

Verdict open_socket(asio::ip::tcp::socket& socket, const config::Check& check) {
  error_code error;
  socket.open(to_asio(check.target).protocol(), error);
  if (error) return cannot_probe("open a socket", error);
  if (check.bind) {
    socket.set_option(asio::socket_base::reuse_address(true), error);
    socket.bind(to_asio(*check.bind), error);
    if (error) return cannot_probe(fmt::format("bind to {}", *check.bind), error);
  }
  return {Cause::passed, 0, {}, {}};
}

}  // namespace

std::string in_words(config::Duration duration) { return fmt::format("{:g} s", static_cast<double>(duration.count()) / 1e6); }

Verdict network_failure(const std::string& what, const error_code& error, const config::Check& check) {
  using namespace boost::system::errc;
  if (error == boost::beast::error::timeout) {
    return {Cause::timed_out, 0, fmt::format("{}: timed out after {}", what, in_words(check.connect_timeout)), {}};
  }
  if (error == timed_out) return {Cause::timed_out, 0, fmt::format("{}: timed out", what), {}};
  if (error == connection_refused) return {Cause::refused, 0, fmt::format("{}: refused", what), {}};
  if (error == network_unreachable || error == host_unreachable) {
    const auto* why = error == host_unreachable ? "no route to host" : "network unreachable";
    return {Cause::unreachable, error.value(), fmt::format("{}: {}", what, why), {}};
  }
  if (error == connection_reset || error == broken_pipe) return {Cause::closed, 0, fmt::format("{}: connection reset", what), {}};
  if (is_our_own(error)) return cannot_probe(what, error);
  return {Cause::failed, error.value(), fmt::format("{}: {}", what, error.message()), {}};
}

asio::awaitable<Verdict> connect(boost::beast::tcp_stream& stream, const config::Check& check) {
  Verdict opened = open_socket(stream.socket(), check);
  if (!opened.passed()) co_return opened;
  const auto target = to_asio(check.target);
  const auto what = fmt::format("connect to {}", check.target);
  stream.expires_after(check.connect_timeout);
  const auto [error] = co_await stream.async_connect(target, asio::as_tuple(asio::use_awaitable));
  if (error) co_return network_failure(what, error, check);
  error_code ignored;
  // A connect to a port of this very machine that nobody listens on can meet itself.
  if (stream.socket().local_endpoint(ignored) == target) co_return Verdict{Cause::refused, 0, what + ": refused", {}};
  co_return Verdict{Cause::passed, 0, what + ": accepted", {}};
}

}  // namespace ballast::checkd
