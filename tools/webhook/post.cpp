#include "tools/webhook/post.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace ballast::webhook {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr std::size_t longest_header = 64U << 10;
constexpr unsigned http11 = 11;

/// What is being done, for an error's words.
using Step = const char*;

http::request<http::string_body> request_of(const Job& job) {
  http::request<http::string_body> request{http::verb::post, job.url.target, http11};
  request.set(http::field::host, authority(job.url));
  request.set(http::field::user_agent, "ballast/" BALLAST_VERSION);
  request.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : job.headers) request.set(name, value);
  request.body() = job.body;
  request.keep_alive(false);
  request.prepare_payload();
  return request;
}

/// The status alone counts; what else the answer says is not read.
template <class Stream>
asio::awaitable<Verdict> exchange(Stream& stream, const Job& job, Step& step) {
  step = "sending";
  const auto request = request_of(job);
  co_await http::async_write(stream, request, asio::use_awaitable);
  step = "the answer";
  beast::flat_buffer buffer{longest_header};
  http::response_parser<http::empty_body> parser;
  parser.header_limit(longest_header);
  co_await http::async_read_header(stream, buffer, parser, asio::use_awaitable);
  const auto status = parser.get().result_int();
  co_return Verdict{fate_of(status), fmt::format("status {}", status)};
}

asio::ssl::context context_for(const Job& job) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (job.ca_file.empty())
    context.set_default_verify_paths();
  else
    context.load_verify_file(job.ca_file);
  context.set_verify_mode(job.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  return context;
}

/// Whose certificate it must be; an address is named to nobody (RFC 6066 section 3).
void name_server(SSL* tls, const std::string& host) {
  boost::system::error_code no_address;
  (void)asio::ip::make_address(host, no_address);
  if (!no_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(tls, host.c_str());
  SSL_set1_host(tls, host.c_str());
}

asio::awaitable<Verdict> exchange_by_tls(beast::tcp_stream& connection, const Job& job, Step& step) {
  step = "ca_file";
  auto context = context_for(job);
  asio::ssl::stream<beast::tcp_stream&> stream{connection, context};
  name_server(stream.native_handle(), job.url.host);
  step = "the TLS handshake";
  const auto [error] =
      co_await stream.async_handshake(asio::ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
  const auto verified = SSL_get_verify_result(stream.native_handle());
  if (error && job.verify && verified != X509_V_OK)
    co_return Verdict{Fate::again, fmt::format("its certificate: {}", X509_verify_cert_error_string(verified))};
  if (error) throw boost::system::system_error{error};
  co_return co_await exchange(stream, job, step);
}

}  // namespace

asio::awaitable<Verdict> post(const Job& job) {
  const auto executor = co_await asio::this_coro::executor;
  Step step = "resolving the name";
  try {
    tcp::resolver resolver{executor};
    const auto found = co_await resolver.async_resolve(job.url.host, job.url.port, asio::use_awaitable);
    beast::tcp_stream connection{executor};
    connection.expires_after(job.timeout);
    step = "the connection";
    co_await connection.async_connect(found, asio::use_awaitable);
    if (job.url.tls) co_return co_await exchange_by_tls(connection, job, step);
    co_return co_await exchange(connection, job, step);
  } catch (const boost::system::system_error& failure) {
    if (failure.code() != beast::error::timeout)
      co_return Verdict{Fate::again, fmt::format("{}: {}", step, failure.code().message())};
  }
  const auto seconds = std::chrono::duration<double>(job.timeout).count();
  co_return Verdict{Fate::again, fmt::format("{}: timed out after {:g} s", step, seconds)};
}

}  // namespace ballast::webhook
