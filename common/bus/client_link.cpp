#include "common/bus/client_link.hpp"

#include <sys/un.h>

#include "common/bus/messages.hpp"

namespace ballast::bus {

namespace asio = boost::asio;

namespace {

constexpr std::size_t read_size = 64U << 10;
constexpr std::size_t frames_a_write = 64;

}  // namespace

Result<asio::local::stream_protocol::endpoint> socket_address(const std::filesystem::path& path) {
  const auto& text = path.native();
  if (text.empty() || text.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail("the socket's path '{}' is longer than {} bytes: choose a shorter run directory", text,
                sizeof(sockaddr_un::sun_path) - 1);
  }
  return asio::local::stream_protocol::endpoint{text};
}

asio::awaitable<Result<>> ClientLink::connect(const std::filesystem::path& path) {
  const auto address = socket_address(path);
  if (!address) co_return address.error();
  const auto [error] = co_await socket_.async_connect(*address, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::connection_refused || error == boost::system::errc::no_such_file_or_directory) {
    co_return fail("nobody listens on {} (is ballastd running?)", path.string());
  }
  if (error) co_return fail("cannot connect to {}: {}", path.string(), error.message());
  co_return Result<>{};
}

void ClientLink::send(FrameBytes frame) {
  if (!socket_.is_open()) return;
  queued_bytes_ += frame->size();
  if (queued_bytes_ > max_frame) return close();
  push({std::move(frame), {}});
}

void ClientLink::send_latest(const std::string& topic) {
  if (socket_.is_open() && waiting_.insert(topic).second) push({nullptr, topic});
}

void ClientLink::push(Item item) {
  queue_.push_back(std::move(item));
  if (!std::exchange(writing_, true)) {
    asio::co_spawn(
        socket_.get_executor(), [self = shared_from_this()] { return self->write_queue(); }, asio::detached);
  }
}

asio::awaitable<void> ClientLink::write_queue() {
  const auto self = shared_from_this();
  while (!queue_.empty() && socket_.is_open()) {
    std::vector<FrameBytes> batch;
    std::vector<asio::const_buffer> buffers;
    std::size_t queued = 0;
    while (!queue_.empty() && batch.size() < frames_a_write) {
      const auto item = std::move(queue_.front());
      queue_.pop_front();
      if (item.frame) queued += item.frame->size();
      if (!item.frame) waiting_.erase(item.topic);
      batch.push_back(item.frame ? item.frame : latest_(item.topic));
      buffers.push_back(asio::buffer(*batch.back()));
    }
    const auto [error, bytes] = co_await asio::async_write(socket_, buffers, asio::as_tuple(asio::use_awaitable));
    if (error) break;
    queued_bytes_ -= queued;
  }
  writing_ = false;
  drained_.cancel();
}

asio::awaitable<Error> ClientLink::receive(std::function<Result<>(const nlohmann::json&)> handle) {
  const auto self = shared_from_this();
  FrameDecoder decoder{max_frame};
  std::vector<char> buffer(read_size);
  for (;;) {
    const auto [error, size] =
        co_await socket_.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::eof) co_return fail("the connection was closed");
    if (error) co_return fail("{}", error.message());
    decoder.feed({buffer.data(), size});
    for (;;) {
      const auto text = decoder.next();
      if (!text) co_return text.error();
      if (!*text) break;
      const auto message = parse_frame(**text);
      if (!message) co_return fail("a malformed frame ({})", message.error().message);
      if (auto handled = handle(*message); !handled) co_return handled.error();
    }
  }
}

asio::awaitable<void> ClientLink::drain(std::chrono::milliseconds limit) {
  const auto self = shared_from_this();
  if (!writing_) co_return;
  drained_.expires_after(limit);
  co_await drained_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void ClientLink::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace ballast::bus
