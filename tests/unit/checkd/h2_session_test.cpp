#include "daemons/checkd/h2_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/checkd/h2_frames.hpp"

namespace ballast::checkd::test {
namespace {
using testing::HasSubstr;
using Kind = H2End::Kind;

struct Seen final : AnswerSink {
  bool on_status(unsigned code) override {
    status = code;
    return wanted;
  }
  void on_field(std::string_view name, std::string_view value) override {
    fields += std::string{name} + "=" + std::string{value} + ";";
  }
  bool on_body(std::span<const char> piece) override {
    length += piece.size();
    if (length < 100) body.append(piece.data(), piece.size());
    return length <= most;
  }
  unsigned status = 0;
  bool wanted = true;
  std::string fields, body;
  std::size_t length = 0, most = 1U << 20;
};

struct H2SessionTest : testing::Test {
  H2End give(std::string_view bytes) {
    session.take_output();
    session.receive(bytes);
    return session.end();
  }
  Seen seen;
  H2Session session{{.authority = "www.example.org", .path = "/health"}, seen};
};

TEST_F(H2SessionTest, BeginsWithThePrefaceAndAsks) {
  const auto output = session.take_output();
  EXPECT_TRUE(output.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_FALSE(session.over());
}

TEST_F(H2SessionTest, AnAnswerIsHandedOverAndEnds) {
  EXPECT_EQ(give(h2::answer("200", "well")).kind, Kind::answered);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, "well");
}

TEST_F(H2SessionTest, AnAnswerCutAnywhereIsNoAnswer) {
  const auto whole = h2::answer("200", "well");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Seen none;
    H2Session cut{{.authority = "a"}, none};
    cut.take_output();
    for (std::size_t i = 0; i < length; ++i) cut.receive(std::string_view{whole}.substr(i, 1));
    EXPECT_FALSE(cut.over()) << length;
    cut.on_closed();
    EXPECT_EQ(cut.end().kind, Kind::closed) << length;
  }
}

TEST_F(H2SessionTest, InterimAnswersArePassedOverAndTrailersAreFields) {
  const auto end = give(h2::hello() + h2::frame(h2::headers, h2::end_headers, 1, h2::status("103")) +
                        h2::frame(h2::headers, h2::end_headers, 1, h2::status("200")) +
                        h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1, h2::field("grpc-status", "0")));
  EXPECT_EQ(end.kind, Kind::answered);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.fields, "grpc-status=0;");
}

TEST_F(H2SessionTest, AStatusThatIsNotWantedEndsItAtOnce) {
  seen.wanted = false;
  EXPECT_EQ(give(h2::hello() + h2::frame(h2::headers, h2::end_headers, 1, h2::status("503"))).kind, Kind::answered);
  EXPECT_EQ(seen.status, 503);
}

TEST_F(H2SessionTest, AResetSaysItsCode) {
  const auto end = give(h2::hello() + h2::frame(h2::rst_stream, 0, 1, h2::number(7, 4)));
  EXPECT_EQ(end.kind, Kind::reset);
  EXPECT_EQ(end.why, "REFUSED_STREAM");
}

TEST_F(H2SessionTest, WhoSendsUsAwaySaysWhy) {
  const auto end = give(h2::hello() + h2::frame(h2::goaway, 0, 0, h2::number(0, 4) + h2::number(11, 4) + "go"));
  EXPECT_EQ(end.kind, Kind::away);
  EXPECT_EQ(end.why, "ENHANCE_YOUR_CALM");
}

TEST_F(H2SessionTest, AGoodbyeThatCoversOurRequestIsWaitedFor) {
  EXPECT_EQ(give(h2::hello() + h2::frame(h2::goaway, 0, 0, h2::number(1, 4) + h2::number(0, 4))).kind, Kind::open);
  EXPECT_EQ(give(h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1, h2::status("200"))).kind, Kind::answered);
}

TEST_F(H2SessionTest, AnythingElseIsNotHttp2) {
  for (const auto& garbage :
       {std::string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}, std::string{"SSH-2.0-OpenSSH_9.2\r\n"},
        std::string(100, '\xff'), std::string(100, '\0')}) {
    Seen none;
    H2Session other{{.authority = "a"}, none};
    other.take_output();
    other.receive(garbage);
    EXPECT_EQ(other.end().kind, Kind::malformed) << garbage;
  }
}

TEST_F(H2SessionTest, AHeaderBeyondTheBoundIsCutOff) {
  std::string fields = h2::status("200");
  for (int i = 0; i < 150; ++i) fields += h2::field("x-filler", std::string(100, 'x'));
  const auto end = give(h2::hello() + h2::frame(h2::headers, h2::end_headers, 1, fields.substr(0, 16'000)));
  EXPECT_EQ(end.kind, Kind::malformed);
  EXPECT_EQ(end.why, "header longer than 16 KiB");
}

TEST_F(H2SessionTest, ContinuationsWithoutEndAreCutOff) {
  give(h2::hello() + h2::frame(h2::headers, 0, 1, h2::status("200")));
  std::size_t sent = 0;
  for (; !session.over() && sent < (8U << 20); sent += 1'000) {
    give(h2::frame(h2::continuation, 0, 1, h2::field("x", std::string(100, 'x'))));
  }
  EXPECT_TRUE(session.over());
  EXPECT_TRUE(session.end().kind == Kind::malformed || session.end().kind == Kind::flooded) << session.end().why;
  EXPECT_LT(sent, 1U << 20);
}

TEST_F(H2SessionTest, EmptyContinuationsWithoutEndAreCutOff) {
  give(h2::hello() + h2::frame(h2::headers, 0, 1, h2::status("200")));
  for (int i = 0; !session.over() && i < 100'000; ++i) give(h2::frame(h2::continuation, 0, 1));
  EXPECT_TRUE(session.over());
}

TEST_F(H2SessionTest, FloodsAreCutOffAndWhatWaitsToBeSentStaysSmall) {
  const auto settings = h2::frame(h2::settings, 0, 0);
  const auto pings = h2::frame(h2::ping, 0, 0, "12345678");
  const auto windows = h2::frame(h2::window_update, 0, 0, h2::number(1, 4));
  for (const auto& flood : {settings, pings, windows}) {
    Seen none;
    H2Session other{{.authority = "a"}, none};
    other.take_output();
    other.receive(h2::hello());
    std::string many;
    while (many.size() < 8'000) many += flood;
    for (int i = 0; !other.over() && i < 1'000; ++i) {
      EXPECT_LT(other.take_output().size(), 64U << 10);
      other.receive(many);
    }
    EXPECT_EQ(other.end().kind, Kind::flooded);
    EXPECT_EQ(other.end().why, "more frames than any answer needs");
  }
}

TEST_F(H2SessionTest, ABodyWithoutEndIsReadAsFarAsItIsLookedAt) {
  give(h2::hello() + h2::frame(h2::headers, h2::end_headers, 1, h2::status("200")));
  const auto piece = h2::frame(h2::data, 0, 1, std::string(16'000, 'x'));
  for (int i = 0; !session.over() && i < 1'000; ++i) give(piece);
  EXPECT_EQ(session.end().kind, Kind::answered);
  EXPECT_LT(seen.length, (1U << 20) + 20'000);
}

TEST_F(H2SessionTest, ABodyIsSentWithTheRequest) {
  H2Session post{{.method = "POST", .authority = "a", .body = "hello"}, seen};
  auto output = post.take_output();
  post.receive(h2::hello());
  output += post.take_output();
  EXPECT_THAT(output, HasSubstr(h2::frame(h2::data, h2::end_stream, 1, "hello")));
}

}  // namespace
}  // namespace ballast::checkd::test
