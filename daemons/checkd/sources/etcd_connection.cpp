#include "daemons/checkd/sources/etcd_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <nlohmann/json.hpp>

#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/sources/server_line.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t longest_header = 16U << 10;
constexpr std::size_t longest_answer = 4U << 20;
constexpr std::size_t longest_line = 4U << 20;
constexpr std::size_t longest_complaint = 4U << 10;
constexpr std::size_t chunk_size = 16U << 10;
constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);
using Plain = beast::tcp_stream;

Error failure(std::string_view what, const error_code& error, config::Duration patience) {
  if (error == beast::error::timeout) return fail("{}: timed out after {}", what, in_words(patience));
  if (error == asio::error::connection_refused) return fail("{}: refused", what);
  if (error == http::error::end_of_stream || error == http::error::partial_message)
    return fail("{}: closed by etcd", what);
  return fail("{}: {}", what, error.message());
}

/// What the gateway says of its failure: {"error": …, "message": …}.
std::string complaint(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("message") && json["message"].is_string())
    return shown(json["message"].get_ref<const std::string&>());
  return shown(body);
}

/// The answer is read the same way by http and https.
template <class Stream>
class Connection : public EtcdConnection {
 public:
  template <class... Arguments>
  Connection(EtcdUrl url, config::Duration patience, Arguments&&... arguments)
      : url_{std::move(url)}, patience_{patience}, stream_{std::forward<Arguments>(arguments)...} {}

  Stream& stream() { return stream_; }

  asio::awaitable<Result<>> post(std::string target, std::string body) override {
    const bool bracket = url_.host.find(':') != std::string::npos;
    http::request<http::string_body> request{http::verb::post, target, 11};
    request.set(http::field::host,
                fmt::format("{}{}{}:{}", bracket ? "[" : "", url_.host, bracket ? "]" : "", url_.port));
    request.set(http::field::user_agent, "Ballast-checkd/" BALLAST_VERSION);
    request.set(http::field::content_type, "application/json");
    request.body() = std::move(body);
    request.prepare_payload();
    beast::get_lowest_layer(stream_).expires_after(patience_);
    const auto [unsent, sent] = co_await http::async_write(stream_, request, awaiting);
    if (unsent) co_return failure("asking", unsent, patience_);
    parser_.header_limit(longest_header);
    parser_.body_limit(boost::none);
    const auto [error, length] = co_await http::async_read_header(stream_, buffer_, parser_, awaiting);
    if (error) co_return failure("answer", error, patience_);
    if (const auto status = parser_.get().result_int(); status != 200) {
      const auto text = co_await take_all(longest_complaint);
      co_return fail("status {}{}", status, text && !text->empty() ? ": " + complaint(*text) : std::string{});
    }
    co_return Result<>{};
  }

  asio::awaitable<Result<std::string>> rest() override { co_return co_await take_all(longest_answer); }

  asio::awaitable<Result<std::string>> line(config::Duration wait) override {
    for (;;) {
      const auto end = text_.find('\n', looked_at_);
      if (end != std::string::npos) {
        auto line = text_.substr(0, end);
        text_.erase(0, end + 1);
        looked_at_ = 0;
        co_return line;
      }
      looked_at_ = text_.size();
      if (text_.size() > longest_line) co_return fail("a message of more than {} MiB", longest_line >> 20);
      if (parser_.is_done()) co_return fail("closed by etcd");
      beast::get_lowest_layer(stream_).expires_after(wait);
      const auto error = co_await take();
      if (error == beast::error::timeout) co_return std::string{};
      if (error) co_return failure("watch", error, patience_);
    }
  }

 private:
  /// Some more of the answer into text_.
  asio::awaitable<error_code> take() {
    auto& body = parser_.get().body();
    const auto before = text_.size();
    text_.resize(before + chunk_size);
    body.data = text_.data() + before;
    body.size = chunk_size;
    body.more = true;
    auto [error, length] = co_await http::async_read_some(stream_, buffer_, parser_, awaiting);
    text_.resize(before + chunk_size - body.size);
    if (error == http::error::need_buffer) error = {};
    co_return error;
  }

  asio::awaitable<Result<std::string>> take_all(std::size_t most) {
    beast::get_lowest_layer(stream_).expires_after(patience_);
    while (!parser_.is_done()) {
      if (const auto error = co_await take()) co_return failure("answer", error, patience_);
      if (text_.size() > most) co_return fail("an answer of more than {} KiB", most >> 10);
    }
    co_return std::move(text_);
  }

  EtcdUrl url_;
  config::Duration patience_;
  Stream stream_;
  beast::flat_buffer buffer_{longest_header + chunk_size};
  http::response_parser<http::buffer_body> parser_;
  std::string text_;  ///< of the body, not handed on yet
  std::size_t looked_at_ = 0;
};

asio::awaitable<Result<>> connect(Plain& stream, const EtcdUrl& url, config::Duration patience) {
  tcp::resolver resolver{stream.get_executor()};
  const auto [unknown, found] = co_await resolver.async_resolve(url.host, url.port, awaiting);
  if (unknown) co_return failure("resolving the name", unknown, patience);
  stream.expires_after(patience);
  const auto [error, endpoint] = co_await stream.async_connect(found, awaiting);
  if (error) co_return failure("connect", error, patience);
  co_return Result<>{};
}

/// Its context lives as long as its stream.
class Tls : public Connection<beast::ssl_stream<Plain>> {
 public:
  Tls(EtcdUrl url, config::Duration patience, const asio::any_io_executor& executor,
      const std::shared_ptr<asio::ssl::context>& context)
      : Connection{std::move(url), patience, executor, *context}, context_{context} {}

 private:
  std::shared_ptr<asio::ssl::context> context_;
};

Result<std::shared_ptr<asio::ssl::context>> make_context(const EtcdUrl& url, const std::string& ca_file) {
  const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code error;
  if (ca_file.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(ca_file, error);
  if (error) return fail("ca_file {}: {}", ca_file, error.message());
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (!error) context->set_verify_callback(asio::ssl::host_name_verification{url.host}, error);
  if (error) return fail("TLS: {}", error.message());
  return context;
}

asio::awaitable<Result<std::unique_ptr<EtcdConnection>>> open_tls(asio::any_io_executor executor, EtcdUrl url,
                                                                  std::string ca_file, config::Duration patience) {
  const auto context = make_context(url, ca_file);
  if (!context) co_return context.error();
  auto made = std::make_unique<Tls>(url, patience, executor, *context);
  auto& stream = made->stream();
  SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
  if (const auto connected = co_await connect(stream.next_layer(), url, patience); !connected)
    co_return connected.error();
  stream.next_layer().expires_after(patience);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, awaiting);
  if (error) co_return failure("TLS", error, patience);
  co_return std::unique_ptr<EtcdConnection>{std::move(made)};
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<EtcdConnection>>> EtcdConnection::open(asio::any_io_executor executor,
                                                                              EtcdUrl url, std::string ca_file,
                                                                              config::Duration patience) {
  if (url.tls) co_return co_await open_tls(executor, url, ca_file, patience);
  auto made = std::make_unique<Connection<Plain>>(url, patience, executor);
  if (const auto connected = co_await connect(made->stream(), url, patience); !connected) co_return connected.error();
  co_return std::unique_ptr<EtcdConnection>{std::move(made)};
}

}  // namespace ballast::checkd
