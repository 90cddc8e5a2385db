// The client's side of SMTP, against whatever a server says.
#include "tools/mail/dialogue.hpp"

#include <gmock/gmock.h>

namespace ballast::mail {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Letter letter(std::vector<std::string> to = {"admin@example.com"}) {
  Letter made;
  made.from = *net::parse_mailbox("lb@example.com");
  for (const auto& each : to) made.to.push_back(*net::parse_mailbox(each));
  made.subject = "s";
  made.text = "t\n";
  made.id = "1";
  return made;
}

net::SmtpReply ok(std::vector<std::string> lines = {"ok"}) { return {250, std::move(lines)}; }

class Talk {
 public:
  explicit Talk(std::vector<std::string> to = {"admin@example.com"}, bool tls = true)
      : dialogue{letter(std::move(to)), "lb1", tls} {}
  std::string hears(const net::SmtpReply& reply) { return take(dialogue.on_reply(reply)); }
  std::string encrypted() { return take(dialogue.on_tls()); }
  /// Through the greeting, to MAIL.
  Talk& greeted() {
    hears({220, {"mail"}});
    hears(ok());
    return *this;
  }
  Step last;
  Dialogue dialogue;

 private:
  std::string take(Step step) {
    last = std::move(step);
    return last.text;
  }
};

TEST(Dialogue, HandsAMailIn) {
  Talk talk;
  EXPECT_EQ(talk.hears({220, {"mail"}}), "EHLO lb1\r\n");
  EXPECT_EQ(talk.hears(ok({"mail", "SIZE"})), "MAIL FROM:<lb@example.com>\r\n");
  EXPECT_EQ(talk.hears(ok()), "RCPT TO:<admin@example.com>\r\n");
  EXPECT_EQ(talk.hears(ok()), "DATA\r\n");
  EXPECT_THAT(talk.hears({354, {"go"}}), StartsWith("Date: "));
  EXPECT_EQ(talk.last.kind, Step::Kind::send);
  EXPECT_EQ(talk.hears(ok({"queued as 7"})), "250 queued as 7");
  EXPECT_EQ(talk.last.kind, Step::Kind::done);
}

TEST(Dialogue, AnOldServerIsSpokenToByHelo) {
  Talk talk;
  talk.hears({220, {"mail"}});
  EXPECT_EQ(talk.hears({502, {"what?"}}), "HELO lb1\r\n");
  EXPECT_EQ(talk.hears(ok({"mail", "STARTTLS"})), "MAIL FROM:<lb@example.com>\r\n") << "HELO offers nothing";
}

TEST(Dialogue, TlsIsUsedWhereItIsOfferedAndTheGreetingBegunAnew) {
  Talk talk;
  talk.hears({220, {"mail"}});
  EXPECT_EQ(talk.hears(ok({"mail", "starttls"})), "STARTTLS\r\n");
  talk.hears({220, {"ready"}});
  EXPECT_EQ(talk.last.kind, Step::Kind::start_tls);
  EXPECT_EQ(talk.encrypted(), "EHLO lb1\r\n");
  EXPECT_EQ(talk.hears(ok({"mail", "STARTTLS"})), "MAIL FROM:<lb@example.com>\r\n") << "not twice";
}

TEST(Dialogue, WithoutTlsWhereItIsNotWantedOrNotReady) {
  Talk unwanted{{"admin@example.com"}, false};
  unwanted.hears({220, {"mail"}});
  EXPECT_THAT(unwanted.hears(ok({"mail", "STARTTLS"})), StartsWith("MAIL"));
  Talk unready;
  unready.hears({220, {"mail"}});
  unready.hears(ok({"mail", "STARTTLS"}));
  EXPECT_THAT(unready.hears({454, {"not now"}}), StartsWith("MAIL"));
}

TEST(Dialogue, OneRecipientThatIsRefusedKeepsItFromNoOther) {
  Talk talk{{"a@x", "b@x", "c@x"}};
  talk.greeted().hears(ok());
  EXPECT_EQ(talk.hears({550, {"no such user"}}), "RCPT TO:<b@x>\r\n");
  EXPECT_EQ(talk.hears(ok()), "RCPT TO:<c@x>\r\n");
  EXPECT_EQ(talk.hears(ok()), "DATA\r\n");
  talk.hears({354, {"go"}});
  EXPECT_EQ(talk.hears(ok()), "250 ok, but not to all: 550 no such user");
}

TEST(Dialogue, AllRefusedIsRefused) {
  Talk talk{{"a@x", "b@x"}};
  talk.greeted().hears(ok());
  talk.hears({450, {"greylisted"}});
  EXPECT_EQ(talk.hears({450, {"greylisted"}}), "450 greylisted to every recipient");
  EXPECT_EQ(talk.last.kind, Step::Kind::refused);
  EXPECT_TRUE(talk.last.temporary);
}

TEST(Dialogue, WhoIsRefusedForNowIsRemembered) {
  Talk talk{{"a@x", "b@x", "c@x"}};
  talk.greeted().hears(ok());
  talk.hears({450, {"later"}});
  talk.hears({550, {"never"}});
  EXPECT_EQ(talk.hears(ok()), "DATA\r\n");
  ASSERT_EQ(talk.dialogue.deferred().size(), 1U);
  EXPECT_EQ(talk.dialogue.deferred()[0].address, "a@x");
  Talk nobody{{"a@x", "b@x"}};
  nobody.greeted().hears(ok());
  nobody.hears({450, {"later"}});
  nobody.hears({550, {"never"}});
  EXPECT_TRUE(nobody.last.temporary) << "one for now goes before one for good";
}

TEST(Dialogue, ARefusalAnywhereEndsItAndSaysWhere) {
  const auto refused_after = [](int good, unsigned code) {
    Talk talk;
    const std::vector<net::SmtpReply> road{{220, {"mail"}}, ok(), ok(), ok(), {354, {"go"}}};
    for (int i = 0; i < good; ++i) talk.hears(road.at(static_cast<std::size_t>(i)));
    talk.hears({code, {"no"}});
    EXPECT_EQ(talk.last.kind, Step::Kind::refused) << good;
    EXPECT_EQ(talk.last.temporary, code < 500) << good;
    return talk.last.text;
  };
  EXPECT_EQ(refused_after(0, 554), "554 no to the connection");
  EXPECT_EQ(refused_after(1, 421), "421 no to EHLO");
  EXPECT_EQ(refused_after(2, 451), "451 no to MAIL");
  EXPECT_EQ(refused_after(4, 554), "554 no to DATA");
  EXPECT_EQ(refused_after(5, 552), "552 no to the mail");
}

TEST(Dialogue, GoodWordsWhereTheyMakeNoSenseEndIt) {
  Talk talk;
  talk.greeted().hears(ok());
  talk.hears(ok());
  EXPECT_THAT(talk.hears(ok()), HasSubstr("to DATA")) << "250 is no 354";
  talk.hears(ok());
  EXPECT_EQ(talk.last.kind, Step::Kind::refused);
}

}  // namespace
}  // namespace ballast::mail
