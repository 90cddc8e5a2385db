#pragma once
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemons/checkd/checker.hpp"

namespace ballast::checkd::test {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// What a server does with one connection.
using Behaviour = std::function<asio::awaitable<void>(tcp::socket&)>;

/// A server on a free port of 127.0.0.1 that treats every connection by its behaviour and then closes it.
class LocalServer {
 public:
  LocalServer(asio::io_context& io, Behaviour behaviour)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), behaviour_(std::move(behaviour)) {
    asio::co_spawn(io, serve(), asio::detached);
  }
  [[nodiscard]] net::Endpoint endpoint() const {
    return {net::IpAddress::parse("127.0.0.1").value(), acceptor_.local_endpoint().port()};
  }
  /// Where each connection came from.
  [[nodiscard]] const std::vector<tcp::endpoint>& clients() const { return clients_; }
  void close() { acceptor_.close(); }

 private:
  asio::awaitable<void> serve() {
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      clients_.push_back(socket.remote_endpoint());
      asio::co_spawn(acceptor_.get_executor(), treat(std::move(socket)), asio::detached);
    }
  }
  asio::awaitable<void> treat(tcp::socket socket) {
    try {
      co_await behaviour_(socket);
    } catch (const boost::system::system_error&) {
      // The prober hung up first, as it may.
    }
  }

  tcp::acceptor acceptor_;
  Behaviour behaviour_;
  std::vector<tcp::endpoint> clients_;
};

/// Runs one probe to its end.
inline Verdict probe(asio::io_context& io, const config::Check& check) {
  auto checker = make_checker(io.get_executor(), check);
  std::optional<Verdict> verdict;
  asio::co_spawn(io, checker->probe(), [&](const std::exception_ptr& failure, Verdict result) {
    if (failure) std::rethrow_exception(failure);
    verdict = std::move(result);
  });
  io.restart();
  while (!verdict && io.run_one_for(std::chrono::seconds{20}) > 0) {
  }
  return verdict.value();
}

}  // namespace ballast::checkd::test
