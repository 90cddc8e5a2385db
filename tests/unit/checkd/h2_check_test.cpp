#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/checkd/h2_frames.hpp"
#include "tests/unit/checkd/tls_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

/// Reads the preface and the request, answers with these bytes, and then waits for the client to go.
template <class Stream>
asio::awaitable<void> serve(Stream& stream, std::string answer, std::string* seen = nullptr) {
  std::string request(24 + 9, '\0');
  co_await asio::async_read(stream, asio::buffer(request), asio::use_awaitable);
  co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
  std::array<char, 4096> more{};
  while (true) {
    const auto size = co_await stream.async_read_some(asio::buffer(more), asio::use_awaitable);
    if (seen != nullptr) seen->append(more.data(), size);
  }
}

Behaviour answering(std::string answer, std::string* seen = nullptr) {
  return [=](tcp::socket& socket) { return serve(socket, answer, seen); };
}
TlsBehaviour tls_frames(std::string answer) {
  return [=](TlsSocket& stream) { return serve(stream, answer); };
}

/// Sends that for as long as somebody listens.
Behaviour flooding(std::string begin, std::string piece) {
  return [=](tcp::socket& socket) -> asio::awaitable<void> {
    std::string all = begin;
    while (true) {
      co_await asio::async_write(socket, asio::buffer(all), asio::use_awaitable);
      all.clear();
      while (all.size() < 10'000) all += piece;
    }
  };
}

struct H2CheckTest : testing::Test {
  Verdict ask(config::CheckKind kind, Behaviour behaviour, config::Duration timeout = 5s) {
    const LocalServer server{io, std::move(behaviour)};
    config::Check check;
    check.kind = kind;
    check.target = server.endpoint();
    check.connect_timeout = timeout;
    if (kind == config::CheckKind::grpc) {
      check.grpc.get().service = "shop";
      if (over_tls) check.tls.get();
    } else {
      check.http.get().version = config::HttpVersion::http2;
      check.http->urls.push_back(url);
    }
    target = check.target.to_string();
    return probe(io, check);
  }
  Verdict get(Behaviour behaviour, config::Duration timeout = 5s) {
    return ask(config::CheckKind::http, std::move(behaviour), timeout);
  }
  asio::io_context io;
  config::HttpUrl url;
  bool over_tls = false;
  std::string target;
  TlsServer tls{Certificate{CertificateWish{}}};
};

TEST_F(H2CheckTest, PlainTextIsSpokenWithPriorKnowledge) {
  EXPECT_EQ(get(answering(h2::answer("200", "well"))).reason, "GET /: status 200");
  EXPECT_EQ(get(answering(h2::answer("503", ""))).reason, "GET /: status 503, wanted 200-299");
}

TEST_F(H2CheckTest, DigestsAndRegexesWorkAsEver) {
  url.digest = "5d41402abc4b2a76b9719d911017c592";  // of "hello"
  EXPECT_TRUE(get(answering(h2::answer("200", "hello"))).passed());
  EXPECT_EQ(get(answering(h2::answer("200", "hullo"))).cause, Cause::digest);
  url.digest.clear();
  url.regex.emplace().pattern = "^w.ll$";
  EXPECT_EQ(get(answering(h2::answer("200", "well"))).reason, "GET /: status 200, the regex matches");
  EXPECT_EQ(get(answering(h2::answer("200", "ill"))).cause, Cause::content);
}

TEST_F(H2CheckTest, OverTlsItIsAgreedToByAlpn) {
  tls.agree_to_h2();
  const auto verdict = ask(config::CheckKind::ssl, tls.then(tls_frames(h2::answer("200", "well"))));
  EXPECT_EQ(verdict.reason, "GET /: status 200");
  EXPECT_GT(verdict.certificate_until, 0);
}

TEST_F(H2CheckTest, AServerThatDoesNotAgreeIsSaidSo) {
  const auto verdict = ask(config::CheckKind::ssl, tls.then(tls_frames(h2::answer("200", "well"))));
  EXPECT_EQ(verdict.cause, Cause::malformed);
  EXPECT_EQ(verdict.reason, "TLS with " + target + ": the server does not agree to HTTP/2 (ALPN)");
}

TEST_F(H2CheckTest, HowTheServerEndsItIsSaidInWords) {
  EXPECT_EQ(get(answering(h2::hello() + h2::frame(h2::rst_stream, 0, 1, h2::number(2, 4)))).reason,
            "GET /: stream reset (INTERNAL_ERROR)");
  EXPECT_EQ(get(answering(h2::hello() + h2::frame(h2::goaway, 0, 0, h2::number(0, 4) + h2::number(11, 4)))).reason,
            "GET /: sent away (GOAWAY, ENHANCE_YOUR_CALM)");
  const auto verdict = get(answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(verdict.cause, Cause::malformed);
  EXPECT_THAT(verdict.reason, HasSubstr("GET /: not an answer of HTTP/2 ("));
}

TEST_F(H2CheckTest, SilenceTimesOut) {
  EXPECT_EQ(get(answering(h2::hello()), 150ms).reason, "GET /: timed out after 0.15 s");
}

TEST_F(H2CheckTest, FloodsEnd) {
  for (const auto& flood : {h2::hello(), h2::frame(h2::ping, 0, 0, "12345678")}) {
    const auto verdict = get(flooding(h2::hello(), flood));
    EXPECT_EQ(verdict.reason, "GET /: more frames than any answer needs");
  }
  const auto interim = h2::frame(h2::headers, h2::end_headers, 1, h2::status("103"));
  EXPECT_EQ(get(flooding(h2::hello(), interim)).reason, "GET /: not an answer of HTTP/2 (header longer than 16 KiB)");
  const auto continuations = get(flooding(h2::hello() + h2::frame(h2::headers, 0, 1, h2::status("200")),
                                          h2::frame(h2::continuation, 0, 1, h2::field("x", std::string(100, 'x')))));
  EXPECT_EQ(continuations.cause, Cause::malformed) << continuations.reason;
}

TEST_F(H2CheckTest, AnEndlessBodyIsReadAsFarAsItIsLookedAt) {
  const auto begin = h2::hello() + h2::frame(h2::headers, h2::end_headers, 1, h2::status("200"));
  // The window that the client gives is not minded: that is a fault, told as such.
  const auto verdict = get(flooding(begin, h2::frame(h2::data, 0, 1, std::string(1'000, 'x'))));
  EXPECT_TRUE(verdict.passed() || verdict.cause == Cause::malformed || verdict.cause == Cause::closed)
      << verdict.reason;
  EXPECT_LT(verdict.took, 5s);
}

TEST_F(H2CheckTest, AServiceOfGrpcThatServesPasses) {
  std::string seen;
  const auto verdict =
      ask(config::CheckKind::grpc, answering(h2::grpc(h2::health(1), h2::field("grpc-status", "0")), &seen));
  EXPECT_EQ(verdict.reason, "gRPC health of shop: SERVING");
}

TEST_F(H2CheckTest, OneThatDoesNotIsSaidSo) {
  EXPECT_EQ(ask(config::CheckKind::grpc, answering(h2::grpc(h2::health(2), h2::field("grpc-status", "0")))).reason,
            "gRPC health of shop: NOT_SERVING, wanted SERVING");
  const auto unknown = h2::hello() + h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1,
                                               h2::status("200") + h2::field("grpc-status", "5") +
                                                   h2::field("grpc-message", "unknown service"));
  EXPECT_EQ(ask(config::CheckKind::grpc, answering(unknown)).reason,
            "gRPC health of shop: NOT_FOUND (unknown service)");
}

TEST_F(H2CheckTest, GrpcIsSpokenOverTlsToo) {
  tls.agree_to_h2();
  over_tls = true;
  const auto frames = h2::grpc(h2::health(1), h2::field("grpc-status", "0"));
  const auto verdict = ask(config::CheckKind::grpc, tls.then(tls_frames(frames)));
  EXPECT_EQ(verdict.reason, "gRPC health of shop: SERVING");
  EXPECT_GT(verdict.certificate_until, 0);
}

}  // namespace
}  // namespace ballast::checkd::test
