#include "common/bus/server.hpp"

#include <random>

#include "common/bus/listener.hpp"
#include "common/runtime/clock.hpp"

namespace ballast::bus {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t read_size = 64U << 10;
constexpr std::size_t write_size = 256U << 10;
constexpr std::chrono::milliseconds accept_pause = 100ms;  // after a failure, such as no descriptor left

std::string random_name() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

struct Server::Impl : BrokerHost, std::enable_shared_from_this<Server::Impl> {
  struct Link {
    explicit Link(Stream::socket connected) : socket{std::move(connected)} {}
    Stream::socket socket;
    bool writing = false;
  };

  Impl(asio::io_context& context, RunDirLock held, Stream::acceptor listening, std::filesystem::path path,
       const Accounts& accounts, ServerHandlers server_handlers)
      : io{context},
        lock{std::move(held)},
        acceptor{std::move(listening)},
        socket_path{std::move(path)},
        handlers{std::move(server_handlers)},
        alarm{context},
        broker{*this, {.accounts = accounts, .instance = random_name(), .limits = {}}} {}

  runtime::TimePoint now() override { return runtime::BootClock::now(); }
  double unix_time() override { return runtime::unix_time(); }
  void wake(ConnectionId id) override;
  void drop(ConnectionId id) override;
  void note(log::Level level, const std::string& line) override { log::write(level, line); }
  void request(Request request) override {
    if (handlers.request) handlers.request(std::move(request));
  }
  void published(const std::string& topic) override {
    if (handlers.published) handlers.published(topic);
  }
  void refused(const std::string& role, const std::string& why) override {
    if (handlers.refused) handlers.refused(role, why);
  }

  asio::awaitable<void> accept();
  void welcome(Stream::socket socket);
  asio::awaitable<void> read(ConnectionId id, std::shared_ptr<Link> link);
  asio::awaitable<void> write(ConnectionId id, std::shared_ptr<Link> link);
  bool handle(ConnectionId id, FrameDecoder& decoder);
  void flush();
  void arm();
  void close();

  asio::io_context& io;
  std::optional<RunDirLock> lock;
  Stream::acceptor acceptor;
  std::filesystem::path socket_path;
  ServerHandlers handlers;
  asio::steady_timer alarm;
  runtime::TimePoint armed = runtime::TimePoint::max();
  std::map<ConnectionId, std::shared_ptr<Link>> links;
  std::set<ConnectionId> woken;
  bool closed = false;
  Broker broker;
};

void Server::Impl::wake(ConnectionId id) {
  if (woken.empty()) asio::post(io, [self = shared_from_this()] { self->flush(); });
  woken.insert(id);
}

void Server::Impl::flush() {
  for (const auto id : std::exchange(woken, {})) {
    const auto found = links.find(id);
    if (found == links.end() || std::exchange(found->second->writing, true)) continue;
    asio::co_spawn(
        io, [self = shared_from_this(), id, link = found->second] { return self->write(id, link); }, asio::detached);
  }
  arm();
}

void Server::Impl::drop(ConnectionId id) {
  boost::system::error_code ignored;
  if (const auto found = links.find(id); found != links.end()) found->second->socket.close(ignored);
}

void Server::Impl::arm() {
  const auto due = broker.deadline();
  if (closed || !due || *due >= armed) return;
  armed = *due;
  alarm.expires_after(std::max(armed - now(), runtime::BootClock::duration{1ms}));
  alarm.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->closed) return;
    self->armed = runtime::TimePoint::max();
    self->broker.tick();
    self->arm();
  });
}

asio::awaitable<void> Server::Impl::accept() {
  asio::steady_timer pause{io};
  while (!closed) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (closed) co_return;
    if (!error) {
      welcome(std::move(socket));
      continue;
    }
    log::error("bus: a connection could not be taken: {}", error.message());
    pause.expires_after(accept_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Server::Impl::welcome(Stream::socket socket) {
  keep_from_children(socket.native_handle());
  auto peer = peer_of(socket.native_handle());
  if (!peer) return log::warning("bus: a connection is refused: {}", peer.error().message);
  const auto id = broker.connect(std::move(*peer));
  const auto link = std::make_shared<Link>(std::move(socket));
  links.emplace(id, link);
  asio::co_spawn(
      io, [self = shared_from_this(), id, link] { return self->read(id, link); }, asio::detached);
  arm();
}

asio::awaitable<void> Server::Impl::read(ConnectionId id, std::shared_ptr<Link> link) {
  FrameDecoder decoder{broker.frame_limit(id)};
  std::vector<char> buffer(read_size);
  bool good = true;
  for (;;) {
    const auto [error, size] =
        co_await link->socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    if (!good) continue;  // one that broke the rules still reads why, until the broker drops it
    decoder.feed({buffer.data(), size});
    good = handle(id, decoder);
    arm();
  }
  drop(id);
  links.erase(id);
  broker.disconnected(id);
}

/// False when this connection is over.
bool Server::Impl::handle(ConnectionId id, FrameDecoder& decoder) {
  for (;;) {
    decoder.set_limit(broker.frame_limit(id));
    const auto text = decoder.next();
    if (text && !*text) return true;
    const auto message = text ? parse_frame(**text) : Result<nlohmann::json>{text.error()};
    if (!message) {
      broker.malformed(id, message.error().message);
      return false;
    }
    broker.receive(id, *message);
    if (closed) return false;
  }
}

asio::awaitable<void> Server::Impl::write(ConnectionId id, std::shared_ptr<Link> link) {
  while (link->socket.is_open()) {
    const auto frames = broker.take(id, write_size);
    if (frames.empty()) break;
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(frames.size());
    for (const auto& frame : frames) buffers.push_back(asio::buffer(*frame));
    const auto [error, bytes] = co_await asio::async_write(link->socket, buffers, asio::as_tuple(asio::use_awaitable));
    if (error) drop(id);
  }
  link->writing = false;
  if (broker.finished(id)) drop(id);
}

void Server::Impl::close() {
  closed = true;
  handlers = {};
  boost::system::error_code ignored;
  acceptor.close(ignored);
  alarm.cancel();
  for (const auto& [id, link] : links) link->socket.close(ignored);
  std::error_code gone;
  std::filesystem::remove(socket_path, gone);
  lock.reset();
}

Result<std::unique_ptr<Server>> Server::open(asio::io_context& io, const std::filesystem::path& run_dir,
                                             ServerHandlers handlers) {
  auto lock = RunDirLock::take(run_dir);
  if (!lock) return lock.error();
  const auto accounts = find_accounts();
  const auto path = run_dir / "bus.sock";
  auto acceptor = listen(io.get_executor(), path, accounts);
  if (!acceptor) return acceptor.error();
  auto impl = std::make_shared<Impl>(io, std::move(*lock), std::move(*acceptor), path, accounts, std::move(handlers));
  asio::co_spawn(
      io, [impl] { return impl->accept(); }, asio::detached);
  return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

Server::~Server() { impl_->close(); }

Broker& Server::broker() { return impl_->broker; }

}  // namespace ballast::bus
