#include "daemons/checkd/connector.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>
#include <cstring>

namespace ballast::checkd {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::uint16_t first_local_port = 1024;  // ports that the kernel chooses lie above

error_code last_error() { return {errno, boost::system::system_category()}; }

asio::io_context& loop_of(asio::execution_context& context) { return static_cast<asio::io_context&>(context); }

std::uint16_t port_of(const SocketAddress& address) {
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);  // where sin6_port is, too
}

const sockaddr* generic(const SocketAddress& address) { return reinterpret_cast<const sockaddr*>(&address.storage); }

}  // namespace

SocketAddress::SocketAddress(const net::Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    auto& made = reinterpret_cast<sockaddr_in&>(storage);
    made.sin_family = AF_INET;
    made.sin_port = htons(endpoint.port);
    std::memcpy(&made.sin_addr, bytes.data(), bytes.size());
    length = sizeof made;
  } else {
    auto& made = reinterpret_cast<sockaddr_in6&>(storage);
    made.sin6_family = AF_INET6;
    made.sin6_port = htons(endpoint.port);
    std::memcpy(&made.sin6_addr, bytes.data(), bytes.size());
    length = sizeof made;
  }
}

/// One connection under way. It lives in the coroutine that waits for it.
class Connector::Attempt final : public Alarm {
 public:
  explicit Attempt(Connector& owner) : owner_{owner} { ++owner_.pending_; }
  ~Attempt() override {
    if (socket_ >= 0) ::close(socket_);
    --owner_.pending_;
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// True: the connection is under way; else `outcome` tells how it ended already.
  bool begin(const SocketAddress& target, const SocketAddress* source, Outcome& outcome) {
    socket_ = ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return ended(outcome, "open a socket");
    constexpr linger reset{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    constexpr int off = 0;  // the reset takes the place of the acknowledgement: the server has nobody to accept
    ::setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    if (source != nullptr && !bind(*source)) return ended(outcome, "bind");
    target_ = &target;
    if (::connect(socket_, generic(target), target.length) != 0 && errno != EINPROGRESS) return ended(outcome, nullptr);
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.ptr = this;
    if (::epoll_ctl(owner_.events_.native_handle(), EPOLL_CTL_ADD, socket_, &event) != 0)
      return ended(outcome, "watch sockets");
    return true;
  }
  asio::awaitable<Outcome> outcome() { return sleeper_.wait(); }

  void ready() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && met_itself()) error = ECONNREFUSED;
    finish({error, boost::system::system_category()});
  }
  void ring() override { finish(boost::beast::error::timeout); }
  void drop() override { sleeper_.drop(); }

 private:
  static bool ended(Outcome& outcome, const char* ours) {
    outcome = {last_error(), ours};
    return false;
  }

  [[nodiscard]] bool bind(const SocketAddress& source) const {
    constexpr int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(socket_, generic(source), source.length) == 0;
  }

  // A connect to a port of this very machine that nobody listens on can meet itself.
  [[nodiscard]] bool met_itself() const {
    if (port_of(*target_) < first_local_port) return false;
    SocketAddress mine{net::Endpoint{}};
    mine.length = sizeof mine.storage;
    if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&mine.storage), &mine.length) != 0) return false;
    return mine.length == target_->length && std::memcmp(&mine.storage, &target_->storage, mine.length) == 0;
  }

  // Closed before the coroutine goes on: it may well probe again.
  void finish(error_code error) {
    take_out();
    ::close(std::exchange(socket_, -1));
    sleeper_.resume({error, nullptr});
  }

  Connector& owner_;
  const SocketAddress* target_ = nullptr;
  int socket_ = -1;
  Sleeper<Outcome> sleeper_;
};

Connector::Connector(asio::execution_context& context)
    : service{context}, clockwork_{Clockwork::of(loop_of(context))}, events_{loop_of(context)} {}

Connector& Connector::of(const asio::any_io_executor& executor) {
  return asio::use_service<Connector>(loop_of(asio::query(executor, asio::execution::context)));
}

asio::awaitable<Connector::Outcome> Connector::connect(const SocketAddress& target, const SocketAddress* source,
                                                       std::chrono::microseconds limit) {
  Outcome outcome;
  if (!open(outcome)) co_return outcome;
  Attempt attempt{*this};
  if (!attempt.begin(target, source, outcome)) co_return outcome;
  clockwork_.set(attempt, Clockwork::now() + limit);
  if (!std::exchange(watching_, true)) asio::co_spawn(events_.get_executor(), watch(), asio::detached);
  co_return co_await attempt.outcome();
}

bool Connector::open(Outcome& outcome) {
  if (events_.is_open()) return true;
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) {
    outcome = {last_error(), "watch sockets"};
    return false;
  }
  events_.assign(made);
  return true;
}

asio::awaitable<void> Connector::watch() {
  std::array<epoll_event, 256> ready{};
  while (pending_ > 0) {
    const auto [error] =
        co_await events_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
    if (error) break;
    int count = 0;
    do {
      count = ::epoll_wait(events_.native_handle(), ready.data(), static_cast<int>(ready.size()), 0);
      for (int i = 0; i < count; ++i) static_cast<Attempt*>(ready.at(static_cast<std::size_t>(i)).data.ptr)->ready();
    } while (count == static_cast<int>(ready.size()));
  }
  watching_ = false;
}

void Connector::shutdown() {}

}  // namespace ballast::checkd
