#include "common/bus/framing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/bus/messages.hpp"

namespace ballast::bus {
namespace {

std::vector<std::string> all(FrameDecoder& decoder) {
  std::vector<std::string> texts;
  for (;;) {
    const auto text = decoder.next();
    if (!text) texts.push_back("error: " + text.error().message);
    if (!text || !*text) return texts;
    texts.emplace_back(**text);
  }
}

TEST(FrameDecoder, FramesComeOutWholeHoweverTheyAreCut) {
  const auto one = *encode_frame({{"op", "one"}});
  const auto bytes = one + *encode_frame({{"op", "two"}, {"text", std::string(300, 'x')}});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameDecoder decoder{max_frame};
    decoder.feed(std::string_view{bytes}.substr(0, cut));
    auto texts = all(decoder);
    EXPECT_EQ(texts.size(), cut == bytes.size() ? 2U : cut >= one.size() ? 1U : 0U) << cut;
    decoder.feed(std::string_view{bytes}.substr(cut));
    for (auto& text : all(decoder)) texts.push_back(std::move(text));
    ASSERT_EQ(texts.size(), 2U) << cut;
    EXPECT_EQ(texts[0], one.substr(frame_header_size));
    EXPECT_EQ(decoder.buffered(), 0U);
  }
}

TEST(FrameDecoder, OneByteAtATime) {
  const auto bytes = *encode_frame({{"op", "one"}}) + *encode_frame({{"op", "two"}});
  FrameDecoder decoder{max_frame};
  std::vector<std::string> texts;
  for (const char byte : bytes) {
    decoder.feed({&byte, 1});
    for (auto& text : all(decoder)) texts.push_back(std::move(text));
  }
  EXPECT_THAT(texts, testing::ElementsAre(R"({"op":"one"})", R"({"op":"two"})"));
}

TEST(FrameDecoder, ALengthBeyondTheLimitIsAnErrorForGood) {
  FrameDecoder decoder{100};
  decoder.feed(std::string("\x00\x00\x00\x65", 4));
  EXPECT_THAT(all(decoder), testing::ElementsAre("error: a frame of 101 bytes, and 100 is the limit"));
  decoder.feed(*encode_frame({{"op", "x"}}));
  EXPECT_THAT(all(decoder), testing::ElementsAre("error: a frame of 101 bytes, and 100 is the limit"));
}

TEST(FrameDecoder, AnEmptyFrameIsAFrame) {
  FrameDecoder decoder{100};
  decoder.feed(std::string(4, '\0'));
  EXPECT_THAT(all(decoder), testing::ElementsAre(""));
}

TEST(FrameDecoder, ALargerLimitCountsFromTheNextFrameOn) {
  FrameDecoder decoder{20};
  decoder.feed(*encode_frame({{"op", "one"}}));
  EXPECT_EQ(all(decoder).size(), 1U);
  decoder.set_limit(1000);
  decoder.feed(*encode_frame({{"op", std::string(500, 'x')}}));
  EXPECT_EQ(all(decoder).front().size(), 509U);
}

TEST(ParseFrame, OnlyObjectsThatAreNotNestedWithoutEnd) {
  EXPECT_FALSE(parse_frame(""));
  EXPECT_FALSE(parse_frame("[1]"));
  EXPECT_FALSE(parse_frame("{\"op\":\"x\"} trailing"));
  EXPECT_FALSE(parse_frame("{\"op\":\"\xff\"}"));
  const std::string deep(max_nesting, '[');
  EXPECT_EQ(parse_frame("{\"a\":" + deep).error().message, "nested more than 32 deep");
  EXPECT_FALSE(parse_frame(std::string(100'000, '[')));
  EXPECT_TRUE(parse_frame("{\"a\":\"" + std::string(100, '[') + "\"}")) << "brackets in text are text";
}

TEST(ParseFrame, EveryTruncationIsAnErrorAndNoMore) {
  const std::string text =
      R"({"op":"publish","topic":"vrrp/VI_1","value":{"name":"VI_1","list":[1,2.5,null,"\u00e9"]}})";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_frame(text.substr(0, size))) << size;
  EXPECT_TRUE(parse_frame(text));
}

TEST(EncodeFrame, BytesThatAreNoTextDoNotStopAMessage) {
  const auto frame = encode_frame({{"op", "event"}, {"message", "caf\xe9"}});
  EXPECT_TRUE(parse_frame(frame->substr(frame_header_size)));
}

}  // namespace
}  // namespace ballast::bus
