#pragma once
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::checkd::test {
namespace asio = boost::asio;
using udp = asio::ip::udp;

/// What is sent back for a datagram: any number of them.
using Replies = std::function<std::vector<std::string>(const std::string& heard)>;

/// A UDP server on a free port of 127.0.0.1.
class LocalDatagrams {
 public:
  LocalDatagrams(asio::io_context& io, Replies replies) : state_(std::make_shared<State>(io, std::move(replies))) {
    asio::co_spawn(io, serve(state_), asio::detached);
  }
  ~LocalDatagrams() { close(); }
  LocalDatagrams(const LocalDatagrams&) = delete;
  LocalDatagrams& operator=(const LocalDatagrams&) = delete;

  [[nodiscard]] net::Endpoint endpoint() const {
    return {net::IpAddress::parse("127.0.0.1").value(), state_->socket.local_endpoint().port()};
  }
  [[nodiscard]] const std::vector<std::string>& heard() const { return state_->heard; }
  [[nodiscard]] const std::vector<udp::endpoint>& senders() const { return state_->senders; }
  void close() { state_->socket.close(); }

 private:
  struct State {
    State(asio::io_context& io, Replies what)
        : socket(io, {asio::ip::address_v4::loopback(), 0}), replies(std::move(what)) {}
    udp::socket socket;
    Replies replies;
    std::vector<std::string> heard;
    std::vector<udp::endpoint> senders;
  };

  static asio::awaitable<void> serve(std::shared_ptr<State> state) {
    std::string buffer(2048, '\0');
    while (state->socket.is_open()) {
      udp::endpoint sender;
      auto [error, size] =
          co_await state->socket.async_receive_from(asio::buffer(buffer), sender, asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      state->heard.push_back(buffer.substr(0, size));
      state->senders.push_back(sender);
      for (const auto& reply : state->replies(state->heard.back())) state->socket.send_to(asio::buffer(reply), sender);
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace ballast::checkd::test
