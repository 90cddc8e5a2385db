#include "daemons/checkd/http_get.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "common/runtime/clock.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/digest.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::uint32_t max_header = 16U << 10;
constexpr std::uint64_t max_body = 1U << 20;
constexpr int max_interim = 4;  // 1xx answers before the final one (RFC 9110 section 15.2)
constexpr std::size_t chunk_size = 8U << 10;
constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

using Parser = http::response_parser<http::buffer_body>;

// An error while an answer is read.
Verdict answer_failure(const std::string& what, const error_code& error, const config::Check& check) {
  if (error == http::error::end_of_stream) return {Cause::closed, 0, what + ": closed without an answer", {}};
  if (error == http::error::partial_message)
    return {Cause::closed, 1, what + ": closed in the middle of the answer", {}};
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return {Cause::malformed, 1, fmt::format("{}: header longer than {} KiB", what, max_header >> 10), {}};
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return {Cause::malformed, 0, fmt::format("{}: not an HTTP answer ({})", what, error.message()), {}};
  }
  return network_failure(what, error, check);
}

struct Body {
  std::string digest;
  bool too_long = false;
  error_code error;
};

// Reads the body to its end, or as far as it is looked at.
asio::awaitable<Body> read_body(boost::beast::tcp_stream& stream, boost::beast::flat_buffer& buffer, Parser& parser,
                                bool want_digest) {
  Body result;
  std::optional<Md5> md5;
  if (want_digest) md5.emplace();
  std::array<char, chunk_size> chunk{};
  std::uint64_t total = 0;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = chunk.data();
    body.size = chunk.size();
    body.more = true;
    auto [error, bytes] = co_await http::async_read(stream, buffer, parser, awaiting);
    const auto length = chunk.size() - body.size;
    if (md5) md5->add({chunk.data(), length});
    total += length;
    result.too_long = total > max_body;
    if (result.too_long) co_return result;
    if (error && error != http::error::need_buffer) {
      result.error = error;
      co_return result;
    }
  }
  if (md5) result.digest = md5->finish();
  co_return result;
}

Verdict judge_body(const std::string& what, unsigned status, const config::HttpUrl& url, const Body& body) {
  if (url.digest.empty())
    return {Cause::passed, static_cast<int>(status), fmt::format("{}: status {}", what, status), {}};
  if (body.too_long) {
    return {Cause::digest,
            1,
            fmt::format("{}: body longer than {} MiB, too long to compare its MD5", what, max_body >> 20),
            {}};
  }
  if (body.digest.empty()) return {Cause::cannot_probe, 0, "cannot probe: OpenSSL offers no MD5 here", {}};
  if (body.digest != url.digest) {
    return {Cause::digest, 0, fmt::format("{}: body's MD5 is {}, wanted {}", what, body.digest, url.digest), {}};
  }
  return {
      Cause::passed, static_cast<int>(status), fmt::format("{}: status {}, body's MD5 as wanted", what, status), {}};
}

}  // namespace

std::string host_header(const config::Check& check, const config::HttpUrl& url) {
  if (!url.virtualhost.empty()) return url.virtualhost;
  if (check.http && !check.http->virtualhost.empty()) return check.http->virtualhost;
  const auto text = check.target.to_string();
  return check.target.port == 80 ? text.substr(0, text.rfind(':')) : text;
}

bool is_wanted(const config::HttpUrl& url, unsigned status) {
  if (url.status.empty()) return !url.digest.empty() || (status >= 200 && status <= 299);
  return std::ranges::any_of(url.status,
                             [&](const auto& range) { return status >= range.first && status <= range.last; });
}

std::string wanted_status(const config::HttpUrl& url) {
  if (url.status.empty()) return "200-299";
  std::string text;
  for (const auto& range : url.status) {
    if (!text.empty()) text += ", ";
    text += range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
  }
  return text;
}

HttpGet::HttpGet(asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {
  auto& urls = check_.http.get().urls;
  if (urls.empty()) urls.emplace_back();
}

asio::awaitable<Verdict> HttpGet::probe() {
  const auto begin = runtime::BootClock::now();
  Verdict verdict;
  for (const auto& url : check_.http->urls) {
    verdict = co_await get(url);
    if (!verdict.passed()) break;
  }
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

asio::awaitable<Verdict> HttpGet::get(const config::HttpUrl& url) {
  boost::beast::tcp_stream stream{executor_};
  auto connected = co_await connect(stream, check_);
  if (!connected.passed()) co_return connected;
  stream.expires_after(check_.connect_timeout);
  const auto error = co_await send(stream, url);
  // Who answers without reading the request may have reset our side, and its answer is still to be read.
  if (error == boost::beast::error::timeout) co_return network_failure("GET " + url.path, error, check_);
  co_return co_await receive(stream, url);
}

asio::awaitable<error_code> HttpGet::send(boost::beast::tcp_stream& stream, const config::HttpUrl& url) {
  http::request<http::empty_body> request{http::verb::get, url.path, 11};
  request.set(http::field::host, host_header(check_, url));
  request.set(http::field::user_agent, "Ballast-checkd/" BALLAST_VERSION);
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  const auto [error, bytes] = co_await http::async_write(stream, request, awaiting);
  co_return error;
}

asio::awaitable<Verdict> HttpGet::receive(boost::beast::tcp_stream& stream, const config::HttpUrl& url) {
  const auto what = "GET " + url.path;
  boost::beast::flat_buffer buffer{max_header + chunk_size};
  std::optional<Parser> parser;
  for (int interim = 0; interim <= max_interim && (!parser || parser->get().result_int() < 200); ++interim) {
    parser.emplace();
    parser->header_limit(max_header);
    parser->body_limit(boost::none);
    const auto [error, bytes] = co_await http::async_read_header(stream, buffer, *parser, awaiting);
    if (error) co_return answer_failure(what, error, check_);
  }
  const auto status = parser->get().result_int();
  if (!is_wanted(url, status)) {
    co_return Verdict{Cause::status,
                      static_cast<int>(status),
                      fmt::format("{}: status {}, wanted {}", what, status, wanted_status(url)),
                      {}};
  }
  const auto body = co_await read_body(stream, buffer, *parser, !url.digest.empty());
  if (body.error) co_return answer_failure(what, body.error, check_);
  co_return judge_body(what, status, url, body);
}

}  // namespace ballast::checkd
