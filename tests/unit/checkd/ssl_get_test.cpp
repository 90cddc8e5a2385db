#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemons/checkd/tls.hpp"
#include "tests/unit/checkd/tls_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
constexpr double day = 86'400;

double days_from_now(double until) { return (until - static_cast<double>(std::time(nullptr))) / day; }

struct SslGetTest : testing::Test {
  static config::Check check_of(const LocalServer& server) {
    config::Check check;
    check.kind = config::CheckKind::ssl;
    check.target = server.endpoint();
    check.connect_timeout = 5s;
    check.http.get().urls.emplace_back();
    check.tls.get();
    return check;
  }
  /// Of a server with this certificate, when its authority is trusted.
  Verdict verified(const Certificate& certificate, const std::string& name) {
    const LocalServer server{io, TlsServer{certificate}.then(tls_answering(good))};
    auto check = check_of(server);
    check.tls->verify = true;
    check.tls->ca_file = files.write("ca.pem", authority.pem());
    check.tls->server_name = name;
    return probe(io, check);
  }
  Verdict ask(Behaviour behaviour, config::Duration timeout = 5s) {
    const LocalServer server{io, std::move(behaviour)};
    auto check = check_of(server);
    check.connect_timeout = timeout;
    what = fmt::format("TLS with {}: ", check.target);
    return probe(io, check);
  }
  asio::io_context io;
  PemFolder files;
  Certificate authority{{.common_name = "An authority", .names = "", .authority = true}};
  Certificate leaf{{.names = "DNS:a.example.com,IP:127.0.0.1"}, &authority};
  TlsServer tls{leaf};
  std::string what;
};

TEST_F(SslGetTest, AnAnswerOverTlsPassesAndTellsWhenTheCertificateEnds) {
  const auto verdict = ask(tls.then(tls_answering(good)));
  EXPECT_EQ(verdict.reason, "GET /: status 200");
  EXPECT_NEAR(days_from_now(verdict.certificate_until), 30, 0.1);
}

TEST_F(SslGetTest, AWrongStatusTellsOfTheCertificateToo) {
  const auto verdict = ask(tls.then(tls_answering("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")));
  EXPECT_EQ(verdict.reason, "GET /: status 503, wanted 200-299");
  EXPECT_NEAR(days_from_now(verdict.certificate_until), 30, 0.1);
}

TEST_F(SslGetTest, WithoutVerifyingAnyCertificateWillDo) {
  const TlsServer expired{Certificate{{.from_days = -9, .until_days = -2}}};
  const auto verdict = ask(expired.then(tls_answering(good)));
  EXPECT_TRUE(verdict.passed()) << verdict.reason;
  EXPECT_NEAR(days_from_now(verdict.certificate_until), -2, 0.1);
}

TEST_F(SslGetTest, AVerifiedNameOrAddressPasses) {
  EXPECT_TRUE(verified(leaf, "a.example.com").passed());
  EXPECT_TRUE(verified(leaf, "127.0.0.1").passed());
  EXPECT_TRUE(verified(leaf, "").passed());  // the target's address
  EXPECT_TRUE(verified(Certificate{{.names = "DNS:*.example.com"}, &authority}, "b.example.com").passed());
}

TEST_F(SslGetTest, AnotherNameIsSaidWithTheNamesThatItIsOf) {
  const auto verdict = verified(leaf, "b.example.com");
  EXPECT_EQ(verdict.cause, Cause::certificate);
  EXPECT_EQ(verdict.detail, X509_V_ERR_HOSTNAME_MISMATCH);
  EXPECT_THAT(verdict.reason, HasSubstr(": certificate is for a.example.com, 127.0.0.1, wanted b.example.com"));
  EXPECT_NEAR(days_from_now(verdict.certificate_until), 30, 0.1);
  const Certificate many{{.names = "DNS:a,DNS:b,DNS:c,DNS:d,DNS:e"}, &authority};
  EXPECT_THAT(verified(many, "127.0.0.1").reason, HasSubstr("is for a, b, c and 2 more, wanted 127.0.0.1"));
}

TEST_F(SslGetTest, WhatIsWrongWithACertificateIsSaidInWords) {
  const Certificate expired{{.from_days = -9, .until_days = -2}, &authority};
  const auto verdict = verified(expired, "a.example.com");
  const auto until = static_cast<std::time_t>(verdict.certificate_until);
  EXPECT_THAT(verdict.reason, HasSubstr(fmt::format(": certificate expired on {:%Y-%m-%d}", fmt::gmtime(until))));
  EXPECT_THAT(verified(Certificate{{.from_days = 2}, &authority}, "a.example.com").reason,
              HasSubstr(": certificate not valid before 20"));
  EXPECT_THAT(verified(Certificate{CertificateWish{}}, "a.example.com").reason, HasSubstr(": self-signed certificate"));
  const Certificate other{{.common_name = "Another\nauthority", .names = "", .authority = true}};
  EXPECT_THAT(verified(Certificate{CertificateWish{}, &other}, "a.example.com").reason,
              HasSubstr(": certificate signed by an unknown authority (Another?authority)"));
}

TEST_F(SslGetTest, TheNameIsSentWhereAskedFor) {
  const LocalServer server{io, tls.then(tls_answering(good))};
  auto check = check_of(server);
  check.http->virtualhost = "www.example.org:8443";
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(tls.sni(), "");
  check.tls->sni = true;
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(tls.sni(), "www.example.org");
  check.http->urls[0].virtualhost = "url.example.org";
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(tls.sni(), "url.example.org");
  check.tls->server_name = "tls.example.org";
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(tls.sni(), "tls.example.org");
  check.tls->server_name = "192.0.2.1";  // RFC 6066 section 3: addresses are not sent
  EXPECT_TRUE(probe(io, check).passed());
  EXPECT_EQ(tls.sni(), "");
}

TEST_F(SslGetTest, AServerThatWantsOurCertificateGetsIt) {
  TlsServer strict{leaf};
  SSL_CTX_set_verify(strict.native(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  const LocalServer server{io, strict.then(tls_answering(good))};
  auto check = check_of(server);
  EXPECT_FALSE(probe(io, check).passed());
  const Certificate own{{.common_name = "checkd"}};
  check.tls->certificate = files.write("own.pem", own.pem());
  check.tls->key = files.write("own.key", own.key_pem());
  EXPECT_EQ(probe(io, check).reason, "GET /: status 200");
}

TEST_F(SslGetTest, FilesThatCannotBeReadSayNothingOfTheServer) {
  const LocalServer server{io, tls.then(tls_answering(good))};
  auto check = check_of(server);
  check.tls->verify = true;
  check.tls->ca_file = "/nowhere/ca.pem";
  const auto verdict = probe(io, check);
  EXPECT_EQ(verdict.cause, Cause::cannot_probe);
  EXPECT_THAT(verdict.reason, StartsWith("cannot probe: /nowhere/ca.pem: "));
}

TEST_F(SslGetTest, ChangedAuthoritiesAreReadAnewAndBrokenOnesAreNot) {
  TlsContexts contexts{0ms};
  config::TlsClient client;
  client.verify = true;
  client.ca_file = files.write("ca.pem", authority.pem());
  const auto first = contexts.get(client).value();
  EXPECT_EQ(contexts.get(client).value(), first);
  files.write("ca.pem", authority.pem() + authority.pem());
  const auto second = contexts.get(client).value();
  EXPECT_NE(second, first);
  files.write("ca.pem", "broken");
  EXPECT_EQ(contexts.get(client).value(), second);
  client.server_name = "of no importance";
  EXPECT_EQ(contexts.get(client).value(), second);
}

TEST_F(SslGetTest, AServerThatHangsInTheHandshakeTimesOut) {
  const auto silent = [](tcp::socket& socket) -> asio::awaitable<void> {
    std::array<char, 4096> ignored{};
    while (true) co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
  };
  const auto verdict = ask(silent, 150ms);
  EXPECT_EQ(verdict.cause, Cause::timed_out);
  EXPECT_EQ(verdict.reason, what + "timed out after 0.15 s");
}

TEST_F(SslGetTest, AHandshakeThatDripsTimesOutAsAWhole) {
  const auto drip = [](tcp::socket& socket) -> asio::awaitable<void> {
    asio::steady_timer timer{socket.get_executor()};
    const std::string record{"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0\x03\x03",
                             11};  // a ServerHello that is long in coming
    for (std::size_t i = 0;; ++i) {
      const std::string next = i < record.size() ? record.substr(i, 1) : std::string{"x"};
      co_await asio::async_write(socket, asio::buffer(next), asio::use_awaitable);
      timer.expires_after(20ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  };
  const auto verdict = ask(drip, 250ms);
  EXPECT_EQ(verdict.reason, what + "timed out after 0.25 s");
}

TEST_F(SslGetTest, AServerThatClosesInTheHandshakeIsSaidToHaveClosed) {
  const auto closes = [](tcp::socket& socket) -> asio::awaitable<void> {
    std::array<char, 4096> ignored{};
    co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
  };
  const auto verdict = ask(closes);
  EXPECT_EQ(verdict.reason, what + "closed in the handshake");
}

TEST_F(SslGetTest, AnythingButTlsIsSaidToBeSo) {
  for (const std::string garbage :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n"}) {
    const auto talks = [=](tcp::socket& socket) -> asio::awaitable<void> {
      std::array<char, 4096> ignored{};
      co_await socket.async_read_some(asio::buffer(ignored), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(garbage), asio::use_awaitable);
    };
    const auto verdict = ask(talks);
    EXPECT_EQ(verdict.cause, Cause::malformed) << garbage;
    EXPECT_EQ(verdict.reason, what + "this is not TLS");
  }
}

TEST_F(SslGetTest, NothingBelowTls12IsSpoken) {
  SSL_CTX_set_security_level(tls.native(), 0);
  SSL_CTX_set_min_proto_version(tls.native(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(tls.native(), TLS1_1_VERSION);
  const auto verdict = ask(tls.then(tls_answering(good)));
  EXPECT_EQ(verdict.reason, what + "refused by the server (protocol version)");
}

TEST_F(SslGetTest, ARequestToNegotiateAnewIsNotFollowed) {
  SSL_CTX_set_max_proto_version(tls.native(), TLS1_2_VERSION);
  int asked = 0;
  const auto again = [&](TlsSocket& stream) -> asio::awaitable<void> {
    std::string request;
    co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
    while (asked < 100'000) {
      SSL_renegotiate(stream.native_handle());
      ++asked;
      co_await asio::async_write(stream, asio::buffer("HTTP/1.1 100 x\r\n\r\n", 18), asio::use_awaitable);
    }
  };
  const auto verdict = ask(tls.then(again), 1s);
  EXPECT_FALSE(verdict.passed());
  EXPECT_LT(asked, 100'000);
  EXPECT_LT(verdict.took, 5s);
}

TEST_F(SslGetTest, AnEndlessHeaderOverTlsIsCutOffAndADripTimesOut) {
  const auto endless = [](std::string head, std::string piece, std::chrono::milliseconds pause) -> TlsBehaviour {
    return [=](TlsSocket& stream) -> asio::awaitable<void> {
      co_await asio::async_write(stream, asio::buffer(head), asio::use_awaitable);
      asio::steady_timer timer{stream.get_executor()};
      while (true) {
        co_await asio::async_write(stream, asio::buffer(piece), asio::use_awaitable);
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
      }
    };
  };
  const auto fields = endless("HTTP/1.1 200 OK\r\n", "X-Filler: " + std::string(1000, 'x') + "\r\n", 0ms);
  EXPECT_EQ(ask(tls.then(fields)).reason, "GET /: header longer than 16 KiB");
  EXPECT_EQ(ask(tls.then(endless("HTTP/1.1 200 OK\r\nX: ", "x", 20ms)), 300ms).reason, "GET /: timed out after 0.3 s");
  const auto body = endless("HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n", std::string(64 << 10, 'x'), 0ms);
  EXPECT_EQ(ask(tls.then(body)).reason, "GET /: status 200");
}

TEST(BareHost, HasNeitherPortNorBrackets) {
  EXPECT_EQ(bare_host("www.example.org:8443"), "www.example.org");
  EXPECT_EQ(bare_host("www.example.org"), "www.example.org");
  EXPECT_EQ(bare_host("[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(bare_host("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(bare_host(""), "");
}

}  // namespace
}  // namespace ballast::checkd::test
