#include "daemons/checkd/http_get.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/checkd/local_server.hpp"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __sanitizer_purge_allocator();  // GCC ships its runtime without this header
#endif

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string hello_md5 = "5d41402abc4b2a76b9719d911017c592";  // of "hello"

asio::awaitable<std::string> read_request(tcp::socket& socket) {
  std::string request;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
  co_return request;
}

/// Answers every request with these bytes and closes.
Behaviour answering(std::string answer) {
  return [answer = std::move(answer)](tcp::socket& socket) -> asio::awaitable<void> {
    co_await read_request(socket);
    co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
  };
}

std::string with_status(const std::string& status) { return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"; }

/// Sends `head`, then `piece` for as long as somebody listens.
Behaviour endless(std::string head, std::string piece, std::chrono::milliseconds pause) {
  return [=](tcp::socket& socket) -> asio::awaitable<void> {
    co_await read_request(socket);
    co_await asio::async_write(socket, asio::buffer(head), asio::use_awaitable);
    asio::steady_timer timer{socket.get_executor()};
    while (true) {
      co_await asio::async_write(socket, asio::buffer(piece), asio::use_awaitable);
      timer.expires_after(pause);
      co_await timer.async_wait(asio::use_awaitable);
    }
  };
}

struct HttpGetTest : testing::Test {
  config::Check check_of(const LocalServer& server, config::HttpUrl url = {}) const {
    config::Check check;
    check.kind = config::CheckKind::http;
    check.target = server.endpoint();
    check.connect_timeout = 5s;
    check.http.get().urls = {std::move(url)};
    return check;
  }
  Verdict ask(Behaviour behaviour, config::HttpUrl url = {}, config::Duration timeout = 5s) {
    const LocalServer server{io, std::move(behaviour)};
    auto check = check_of(server, std::move(url));
    check.connect_timeout = timeout;
    return probe(io, check);
  }
  asio::io_context io;
};

TEST_F(HttpGetTest, Any2xxPassesWhereNothingElseIsWanted) {
  const auto verdict =
      ask(answering(with_status("204 No Content")), {.path = "/health", .status = {}, .digest = "", .virtualhost = ""});
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.reason, "GET /health: status 204");
}

TEST_F(HttpGetTest, AWrongStatusSaysWhatWasWanted) {
  const config::HttpUrl url{.path = "/health", .status = {{200, 200}}, .digest = "", .virtualhost = ""};
  const auto verdict = ask(answering(with_status("503 Service Unavailable")), url);
  EXPECT_EQ(verdict.cause, Cause::status);
  EXPECT_EQ(verdict.detail, 503);
  EXPECT_EQ(verdict.reason, "GET /health: status 503, wanted 200");
}

TEST_F(HttpGetTest, StatusRangesAreInclusive) {
  const config::HttpUrl url{.path = "/", .status = {{200, 204}, {301, 301}}, .digest = "", .virtualhost = ""};
  EXPECT_TRUE(ask(answering(with_status("204 x")), url).passed());
  EXPECT_TRUE(ask(answering(with_status("301 x")), url).passed());
  EXPECT_EQ(ask(answering(with_status("205 x")), url).reason, "GET /: status 205, wanted 200-204, 301");
}

TEST_F(HttpGetTest, TheRightDigestPassesWhateverTheFraming) {
  const config::HttpUrl url{.path = "/", .status = {}, .digest = hello_md5, .virtualhost = ""};
  for (const std::string answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"}) {
    const auto verdict = ask(answering(answer), url);
    EXPECT_TRUE(verdict.passed()) << verdict.reason;
    EXPECT_EQ(verdict.reason, "GET /: status 200, body's MD5 as wanted");
  }
}

TEST_F(HttpGetTest, AnotherDigestSaysBoth) {
  const config::HttpUrl url{.path = "/", .status = {}, .digest = std::string(32, '0'), .virtualhost = ""};
  const auto verdict = ask(answering("HTTP/1.0 200 OK\r\n\r\nhello"), url);
  EXPECT_EQ(verdict.cause, Cause::digest);
  EXPECT_EQ(verdict.reason, "GET /: body's MD5 is " + hello_md5 + ", wanted " + std::string(32, '0'));
}

TEST_F(HttpGetTest, InterimAnswersArePassedOver) {
  const std::string early_hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  EXPECT_EQ(ask(answering(early_hints + with_status("200 OK"))).reason, "GET /: status 200");
  std::string many;
  for (int i = 0; i < 100; ++i) many += early_hints;
  EXPECT_EQ(ask(answering(many)).reason, "GET /: status 103, wanted 200-299");
}

TEST_F(HttpGetTest, TheRequestNamesPathAndVirtualhost) {
  std::string seen;
  const LocalServer server{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                             seen = co_await read_request(socket);
                             co_await asio::async_write(socket, asio::buffer(with_status("200 OK")),
                                                        asio::use_awaitable);
                           }};
  auto check = check_of(server, {.path = "/a?b=c", .status = {}, .digest = "", .virtualhost = ""});
  check.http.get().virtualhost = "www.example.org";
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_THAT(seen, StartsWith("GET /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nHost: www.example.org\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpGetTest, OlderVersionsAreSpokenAsConfigured) {
  std::string seen;
  const LocalServer server{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                             seen = co_await read_request(socket);
                             co_await asio::async_write(socket, asio::buffer(with_status("200 OK")),
                                                        asio::use_awaitable);
                           }};
  auto check = check_of(server);
  check.http->version = config::HttpVersion::http10;
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_THAT(seen, StartsWith("GET / HTTP/1.0\r\n"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Connection:")));
  check.http->version = config::HttpVersion::http10_close;
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_THAT(seen, StartsWith("GET / HTTP/1.0\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpGetTest, NothingIsDecompressed) {
  std::string seen;
  const LocalServer server{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                             seen = co_await read_request(socket);
                             const std::string answer =
                                 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello";
                             co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
                           }};
  const auto check = check_of(server, {.path = "/", .status = {}, .digest = hello_md5, .virtualhost = ""});
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_THAT(seen, HasSubstr("\r\nAccept-Encoding: identity\r\n"));
}

TEST_F(HttpGetTest, ABodyOfAnyLengthTakesLittleMemory) {
  const auto peak = [] {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    return 0L;
  };
  config::HttpUrl url{.path = "/", .status = {}, .digest = "", .virtualhost = ""};
  url.regex.emplace().pattern = "no such thing";
  ask(endless("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "x", 0ms), url);  // the program's own pages are there
  std::ofstream{"/proc/self/clear_refs"} << "5";                                // the peak begins anew
  const auto before = peak();
  for (const std::string head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08"}) {  // a bomb, if it were unpacked
    const auto verdict = ask(endless(head, std::string(64 << 10, 'x'), 0ms), url);
    EXPECT_EQ(verdict.reason, "GET /: the regex does not match the body");
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_purge_allocator();  // it keeps what was freed for a while
#endif
  }
  EXPECT_LT(peak() - before, 16 << 10);
}

TEST_F(HttpGetTest, UrlsAreAskedInOrderUntilOneFails) {
  std::vector<std::string> seen;
  const LocalServer server{io, [&](tcp::socket& socket) -> asio::awaitable<void> {
                             const auto request = co_await read_request(socket);
                             seen.push_back(request.substr(4, request.find(' ', 4) - 4));
                             const auto answer = with_status(seen.back() == "/2" ? "500 no" : "200 OK");
                             co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
                           }};
  auto check = check_of(server);
  check.http->urls.resize(3);
  for (std::size_t i = 0; i < 3; ++i) check.http->urls[i].path = fmt::format("/{}", i + 1);
  EXPECT_EQ(probe(io, check).reason, "GET /2: status 500, wanted 200-299");
  EXPECT_THAT(seen, ElementsAre("/1", "/2"));
}

TEST_F(HttpGetTest, AServerThatAcceptsAndSaysNothingTimesOut) {
  const auto silent = [](tcp::socket& socket) -> asio::awaitable<void> {
    std::array<char, 4096> ignored{};
    while (true) co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
  };
  const auto verdict = ask(silent, {}, 150ms);
  EXPECT_EQ(verdict.cause, Cause::timed_out);
  EXPECT_EQ(verdict.reason, "GET /: timed out after 0.15 s");
}

TEST_F(HttpGetTest, ASlowDripOfHeaderOrBodyIsBoundedAsAWhole) {
  for (const std::string head : {"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"}) {
    const auto verdict = ask(endless(head, "x", 20ms), {}, 200ms);
    EXPECT_EQ(verdict.cause, Cause::timed_out) << verdict.reason;
    EXPECT_LT(verdict.took, 5s);
  }
}

TEST_F(HttpGetTest, AnEndlessHeaderIsCutOff) {
  const auto verdict = ask(endless("HTTP/1.1 200 OK\r\n", "X-Filler: " + std::string(1000, 'x') + "\r\n", 0ms));
  EXPECT_EQ(verdict.cause, Cause::malformed);
  EXPECT_EQ(verdict.reason, "GET /: header longer than 16 KiB");
}

TEST_F(HttpGetTest, ABodyBeyondTheBoundIsNotComparedButPassesWithoutADigest) {
  const auto flood = endless("HTTP/1.0 200 OK\r\n\r\n", std::string(64 << 10, 'x'), 0ms);
  const auto verdict = ask(flood, {.path = "/", .status = {}, .digest = hello_md5, .virtualhost = ""});
  EXPECT_EQ(verdict.cause, Cause::digest);
  EXPECT_EQ(verdict.reason, "GET /: body longer than 1 MiB, too long to compare its MD5");
  EXPECT_TRUE(ask(flood).passed());
}

TEST_F(HttpGetTest, AnythingButHttpIsSaidToBeSo) {
  for (const std::string garbage :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 two hundred\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n"}) {
    const auto verdict = ask(answering(garbage));
    EXPECT_EQ(verdict.cause, Cause::malformed) << garbage << verdict.reason;
    EXPECT_THAT(verdict.reason, StartsWith("GET /: not an HTTP answer ("));
  }
}

TEST_F(HttpGetTest, AServerThatClosesEarlyIsSaidToHaveClosed) {
  EXPECT_EQ(ask(answering("")).reason, "GET /: closed without an answer");
  EXPECT_EQ(ask(answering("HTTP/1.1 200 OK\r\nConte")).reason, "GET /: closed in the middle of the answer");
  EXPECT_EQ(ask(answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")).reason,
            "GET /: closed in the middle of the answer");
}

TEST_F(HttpGetTest, AClosedPortIsRefusedBeforeAnyUrl) {
  LocalServer server{io, answering("")};
  const auto check = check_of(server);
  server.close();
  EXPECT_EQ(probe(io, check).reason, fmt::format("connect to {}: refused", check.target));
}

TEST(HostHeader, IsTheUrlsThenTheChecksThenThatOfTlsThenTheAddress) {
  config::Check check;
  check.target = net::Endpoint::parse("[2001:db8::1]:80").value();
  config::HttpUrl url;
  EXPECT_EQ(host_header(check, url), "[2001:db8::1]");
  check.target.port = 8080;
  EXPECT_EQ(host_header(check, url), "[2001:db8::1]:8080");
  check.tls.get().server_name = "tls.example.org";
  EXPECT_EQ(host_header(check, url), "tls.example.org");
  check.http.get().virtualhost = "service.example.org";
  EXPECT_EQ(host_header(check, url), "service.example.org");
  url.virtualhost = "url.example.org";
  EXPECT_EQ(host_header(check, url), "url.example.org");
}

}  // namespace
}  // namespace ballast::checkd::test
