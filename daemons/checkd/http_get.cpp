#include "daemons/checkd/http_get.hpp"

#include <boost/beast/http/error.hpp>

#include "common/runtime/clock.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/h2_exchange.hpp"
#include "daemons/checkd/http1.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using config::HttpVersion;

namespace {

constexpr std::string_view user_agent = "Ballast-checkd/" BALLAST_VERSION;

// An error while an answer is read.
Verdict answer_failure(const std::string& what, const error_code& error, const config::Check& check) {
  if (error == http::error::end_of_stream) return {Cause::closed, 0, what + ": closed without an answer", {}};
  if (error == http::error::partial_message)
    return {Cause::closed, 1, what + ": closed in the middle of the answer", {}};
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return {Cause::malformed, 1, fmt::format("{}: header longer than {} KiB", what, longest_http1_header >> 10), {}};
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return {Cause::malformed, 0, fmt::format("{}: not an HTTP answer ({})", what, error.message()), {}};
  }
  return network_failure(what, error, check, Stage::answer);
}

const std::string& virtualhost(const config::Check& check, const config::HttpUrl& url) {
  return url.virtualhost.empty() ? check.http->virtualhost : url.virtualhost;
}

}  // namespace

std::string host_header(const config::Check& check, const config::HttpUrl& url) {
  if (!url.virtualhost.empty()) return url.virtualhost;
  if (check.http && !check.http->virtualhost.empty()) return check.http->virtualhost;
  // Servers refuse a request for another name than the handshake's (421, RFC 9110 section 15.5.20).
  if (check.tls && !check.tls->server_name.empty()) return check.tls->server_name;
  const auto text = check.target.to_string();
  const auto own_port = check.kind == config::CheckKind::ssl ? 443 : 80;
  return check.target.port == own_port ? text.substr(0, text.rfind(':')) : text;
}

HttpGet::HttpGet(const Surroundings& surroundings, config::Check check)
    : executor_(surroundings.executor), tls_(surroundings.tls), check_(std::move(check)) {
  auto& urls = check_.http.get().urls;
  if (urls.empty()) urls.emplace_back();
  if (check_.kind == config::CheckKind::ssl) check_.tls.get();
  for (const auto& url : urls) {
    requests_.push_back(request(url));
    auto& regex = regexes_.emplace_back();
    if (!url.regex) continue;
    auto compiled = config::Regex::compile(*url.regex);
    if (compiled)
      regex = std::move(*compiled);
    else
      bad_regex_ = compiled.error().message;
  }
}

asio::awaitable<Verdict> HttpGet::probe() {
  const auto begin = runtime::BootClock::now();
  Verdict verdict;
  for (std::size_t number = 0; number < check_.http->urls.size(); ++number) {
    verdict = co_await get(number);
    if (!verdict.passed()) break;
  }
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

asio::awaitable<Verdict> HttpGet::get(std::size_t number) {
  if (!bad_regex_.empty()) co_return Verdict{Cause::cannot_probe, 2, "cannot probe: " + bad_regex_, {}};
  const auto& url = check_.http->urls[number];
  Connection connection{executor_};
  const auto alpn = check_.http->version == HttpVersion::http2 ? Alpn::h2 : Alpn::nothing;
  auto opened = co_await connection.open(check_, *tls_, virtualhost(check_, url), alpn);
  if (!opened.passed()) co_return opened;
  connection.expires_after(check_.connect_timeout);
  auto verdict = co_await converse(connection.channel(), number);
  if (verdict.passed() && !check_.tls) connection.reset_at_end();
  verdict.certificate_until = opened.certificate_until;
  co_return verdict;
}

asio::awaitable<Verdict> HttpGet::converse(Channel& channel, std::size_t number) {
  const auto& url = check_.http->urls[number];
  const auto what = "GET " + url.path;
  HttpAnswer answer{url};
  if (check_.http->version == HttpVersion::http2) {
    H2Request wanted{.scheme = check_.tls ? "https" : "http", .authority = host_header(check_, url), .path = url.path};
    wanted.fields = {{"user-agent", std::string{user_agent}}, {"accept", "*/*"}, {"accept-encoding", "identity"}};
    auto failed = co_await h2_exchange(channel, std::move(wanted), answer, what, check_);
    if (failed) co_return std::move(*failed);
  } else if (const auto error = co_await http1_exchange(channel, requests_[number], answer)) {
    co_return answer_failure(what, error, check_);
  }
  const auto& regex = regexes_[number];
  co_return answer.judge(what, regex ? &*regex : nullptr);
}

std::string HttpGet::request(const config::HttpUrl& url) const {
  const auto version = check_.http->version;
  auto text =
      fmt::format("GET {} HTTP/{}\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n",
                  url.path, version == HttpVersion::http11 ? "1.1" : "1.0", host_header(check_, url), user_agent);
  if (version != HttpVersion::http10) text += "Connection: close\r\n";
  return text + "\r\n";
}

}  // namespace ballast::checkd
