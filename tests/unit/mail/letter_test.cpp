// Addresses, and a mail as bytes.
#include "tools/mail/letter.hpp"

#include <gmock/gmock.h>

namespace ballast::mail {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Letter letter(std::string subject = "a subject", std::string text = "a text\n") {
  return {*net::parse_mailbox("lb@example.com"),
          {*net::parse_mailbox("Admin <admin@example.com>")},
          std::move(subject),
          std::move(text),
          std::chrono::sys_seconds{std::chrono::seconds{1'700'000'000}},
          "7"};
}

TEST(Mailbox, WithAndWithoutAName) {
  const auto plain = net::parse_mailbox(" admin@example.com ");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->address, "admin@example.com");
  EXPECT_EQ(plain->name, "");
  for (const auto* text : {"My admin <a.b@example.com>", "\"My admin\" <a.b@example.com>"}) {
    const auto named = net::parse_mailbox(text);
    ASSERT_TRUE(named);
    EXPECT_EQ(named->name, "My admin");
    EXPECT_EQ(named->address, "a.b@example.com");
  }
}

TEST(Mailbox, NothingThatWouldBeAnotherCommand) {
  for (const auto* text : {"", "@", "admin", "admin@", "@example.com", "a b@example.com", "a@b\r\nRCPT TO:<c@d>",
                           "a@b>", "a@b>,<c@d>", "x a@b>", "a,b@c", "<>", "a@b\x7f"}) {
    EXPECT_FALSE(net::parse_mailbox(text)) << text;
  }
  EXPECT_FALSE(net::parse_mailbox(std::string(300, 'a') + "@b"));
}

TEST(Letter, HasWhatAReaderExpects) {
  const auto made = compose(letter());
  EXPECT_THAT(made, StartsWith("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: lb@example.com\r\n"
                               "To: \"Admin\" <admin@example.com>\r\nSubject: a subject\r\n"
                               "Message-ID: <7@example.com>\r\nAuto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(made, EndsWith("\r\n\r\na text\r\n.\r\n"));
}

TEST(Letter, DotsAreDoubledAndNothingEndsItBeforeItsEnd) {
  const auto made = compose(letter("s", "one\n.\n..\nlast"));
  EXPECT_THAT(made, EndsWith("\r\n\r\none\r\n..\r\n...\r\nlast\r\n.\r\n"));
  EXPECT_THAT(compose(letter("s", "a\r\n.\r\nMAIL FROM:<x@y>\r\n")),
              EndsWith("a \r\n.. \r\nMAIL FROM:<x@y> \r\n.\r\n"));
  EXPECT_THAT(compose(letter("s", "")), EndsWith("\r\n\r\n.\r\n"));
}

TEST(Letter, AValueIsNoHeader) {
  auto evil = letter("s\r\nBcc: victim@example.com");
  evil.to[0].name = "x\r\nBcc: victim@example.com";
  const auto made = compose(evil);
  EXPECT_THAT(made, Not(HasSubstr("\nBcc:")));
}

TEST(Letter, WhatIsNotAsciiIsEncoded) {
  auto foreign = letter("Störung in Zürich", "größer\n");
  foreign.to[0].name = "Jürgen";
  const auto made = compose(foreign);
  EXPECT_THAT(made, HasSubstr("Subject: =?UTF-8?B?U3TDtnJ1bmcgaW4gWsO8cmljaA==?=\r\n"));
  EXPECT_THAT(made, HasSubstr("To: =?UTF-8?B?SsO8cmdlbg==?= <admin@example.com>\r\n"));
  EXPECT_THAT(made, HasSubstr("Content-Transfer-Encoding: base64\r\n\r\nZ3LDtsOfZXIK\r\n.\r\n"));
}

TEST(Letter, NoLineIsTooLongWhateverItHolds) {
  for (const auto& piece : {std::string{"x"}, std::string{"ü"}, std::string{".\n"}}) {
    std::string much;
    while (much.size() < 5'000) much += piece;
    auto big = letter(much, much);
    for (int i = 0; i < 20; ++i) big.to.push_back({much, "admin@example.com"});
    const auto made = compose(big);
    std::size_t begin = 0;
    while (begin < made.size()) {
      const auto end = made.find("\r\n", begin);
      ASSERT_NE(end, std::string::npos);
      EXPECT_LE(end - begin, 998U);
      begin = end + 2;
    }
  }
}

}  // namespace
}  // namespace ballast::mail
