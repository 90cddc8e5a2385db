#pragma once
#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
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
  LocalServer(asio::io_context& io, Behaviour behaviour) : state_(std::make_shared<State>(io, std::move(behaviour))) {
    asio::co_spawn(io, serve(state_), asio::detached);
  }
  ~LocalServer() { close(); }
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  [[nodiscard]] net::Endpoint endpoint() const {
    return {net::IpAddress::parse("127.0.0.1").value(), state_->acceptor.local_endpoint().port()};
  }
  /// Where each connection came from.
  [[nodiscard]] const std::vector<tcp::endpoint>& clients() const { return state_->clients; }
  void close() { state_->acceptor.close(); }
  /// Whoever comes from elsewhere is not heard.
  void answer_only(const asio::ip::address_v4& client) {
    constexpr auto source = static_cast<std::uint32_t>(SKF_NET_OFF) + 12;
    std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, source),
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, client.to_uint(), 0, 1),
                                       BPF_STMT(BPF_RET | BPF_K, 0xffffffff), BPF_STMT(BPF_RET | BPF_K, 0)}};
    const sock_fprog program{filter.size(), filter.data()};
    const int done =
        ::setsockopt(state_->acceptor.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    if (done != 0) throw std::system_error{errno, std::system_category(), "SO_ATTACH_FILTER"};
  }

 private:
  // Shared with the coroutines, which may outlive the server by a turn of the loop.
  struct State {
    State(asio::io_context& io, Behaviour what)
        : acceptor(io, {asio::ip::address_v4::loopback(), 0}), behaviour(std::move(what)) {}
    tcp::acceptor acceptor;
    Behaviour behaviour;
    std::vector<tcp::endpoint> clients;
  };

  static asio::awaitable<void> serve(std::shared_ptr<State> state) {
    while (state->acceptor.is_open()) {
      auto [error, socket] = co_await state->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      boost::system::error_code gone;
      state->clients.push_back(socket.remote_endpoint(gone));
      asio::co_spawn(state->acceptor.get_executor(), treat(state, std::move(socket)), asio::detached);
    }
  }
  static asio::awaitable<void> treat(std::shared_ptr<State> state, tcp::socket socket) {
    try {
      co_await state->behaviour(socket);
    } catch (const boost::system::system_error&) {
      // The prober hung up first, as it may.
    }
  }

  std::shared_ptr<State> state_;
};

/// Runs one probe to its end.
inline Verdict probe(asio::io_context& io, const config::Check& check) {
  auto checker = make_checker({.executor = io.get_executor()}, check);
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
