// What a mail server says, whole, in pieces, and when it is none.
#include "common/net/smtp_reply.hpp"

#include <gmock/gmock.h>

namespace ballast::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string greeting = "250-mail.example.com\r\n250-SIZE 1000\r\n250 STARTTLS\r\n";

TEST(SmtpReply, OfOneLine) {
  SmtpReplyParser parser;
  ASSERT_TRUE(parser.feed("220 mail.example.com ESMTP\r\n"));
  const auto reply = parser.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, 220U);
  EXPECT_EQ(describe(*reply), "220 mail.example.com ESMTP");
  EXPECT_FALSE(parser.next());
}

TEST(SmtpReply, CutAnywhereItIsTheSame) {
  for (std::size_t cut = 0; cut <= greeting.size(); ++cut) {
    SmtpReplyParser parser;
    ASSERT_TRUE(parser.feed(std::string_view{greeting}.substr(0, cut)));
    EXPECT_EQ(parser.next().has_value(), cut == greeting.size()) << cut;
    if (cut == greeting.size()) continue;
    EXPECT_EQ(parser.empty(), cut == 0);
    ASSERT_TRUE(parser.feed(std::string_view{greeting}.substr(cut)));
    const auto reply = parser.next();
    ASSERT_TRUE(reply);
    EXPECT_THAT(reply->lines, ElementsAre("mail.example.com", "SIZE 1000", "STARTTLS"));
    EXPECT_TRUE(parser.empty());
  }
}

TEST(SmtpReply, WithoutATextOrACarriageReturn) {
  SmtpReplyParser parser;
  ASSERT_TRUE(parser.feed("250\r\n354 go on\n451\n"));
  EXPECT_EQ(parser.next()->code, 250U);
  EXPECT_EQ(parser.next()->code, 354U);
  const auto last = parser.next();
  EXPECT_TRUE(last->temporary());
  EXPECT_FALSE(last->good());
}

TEST(SmtpReply, ControlCharactersDoNotReachTheLog) {
  SmtpReplyParser parser;
  ASSERT_TRUE(parser.feed("550 no \x1b[2J\x07\r\n"));
  EXPECT_EQ(describe(*parser.next()), "550 no ?[2J?");
}

TEST(SmtpReply, WhatIsNoneIsSaid) {
  for (const auto* text :
       {"\r\n", "HTTP/1.1 400 Bad Request\r\n", "25\r\n", "199 x\r\n", "600 x\r\n", "2x0 y\r\n", "250_x\r\n"}) {
    SmtpReplyParser parser;
    EXPECT_FALSE(parser.feed(text)) << text;
  }
  SmtpReplyParser two;
  EXPECT_THAT(two.feed("250-a\r\n251 b\r\n").error().message, HasSubstr("two codes"));
}

TEST(SmtpReply, NoLengthIsTrusted) {
  SmtpReplyParser endless;
  EXPECT_FALSE(endless.feed("250 " + std::string(SmtpReplyParser::longest_line, 'x')));
  SmtpReplyParser lines;
  Result<> outcome;
  for (std::size_t i = 0; i <= SmtpReplyParser::most_lines && outcome; ++i) outcome = lines.feed("250-more\r\n");
  EXPECT_FALSE(outcome);
  SmtpReplyParser unasked;
  outcome = {};
  for (std::size_t i = 0; i <= SmtpReplyParser::most_lines && outcome; ++i) outcome = unasked.feed("250 more\r\n");
  EXPECT_FALSE(outcome);
}

}  // namespace
}  // namespace ballast::net
