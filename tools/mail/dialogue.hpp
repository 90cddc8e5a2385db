#pragma once
// The client's side of RFC 5321, with STARTTLS (RFC 3207) where it is offered: replies in, what to do next out. No
// socket.
#include <cstdint>
#include <string>
#include <vector>

#include "common/net/smtp_reply.hpp"
#include "tools/mail/letter.hpp"

namespace ballast::mail {

struct Step {
  enum class Kind : std::uint8_t {
    send,       ///< `text`, then a reply follows
    start_tls,  ///< a handshake; `on_tls` when it is done
    done,       ///< the mail is the server's now; `text`: what it said
    refused,    ///< `text`: by what answer to what
  };
  Kind kind = Kind::done;
  std::string text;
  bool temporary = false;  ///< refused: another time it may do
};

class Dialogue {
 public:
  /// `helo`: our name; `with_tls`: use STARTTLS where it is offered. The letter has a recipient at least.
  Dialogue(const Letter& letter, std::string helo, bool with_tls);

  Step on_reply(const net::SmtpReply& reply);
  /// The connection is encrypted: everything learned before is forgotten (RFC 3207 section 4.2).
  Step on_tls();
  /// Recipients that were refused for now.
  [[nodiscard]] const std::vector<net::Mailbox>& deferred() const { return deferred_; }
  /// The mail has been taken or refused: whatever comes now, nothing is to be said but QUIT.
  [[nodiscard]] bool over() const { return state_ == State::over; }

 private:
  enum class State : std::uint8_t { greeting, ehlo, helo, starttls, handshake, mail, recipients, data, body, over };
  Step say(State next, std::string line);
  Step refuse(std::string_view what, const net::SmtpReply& reply);
  Step greeted(const net::SmtpReply& reply);
  Step next_recipient();
  Step recipient_answered(const net::SmtpReply& reply);

  std::string helo_;
  bool with_tls_;
  bool encrypted_ = false;
  std::string from_;
  std::vector<net::Mailbox> to_;
  std::vector<net::Mailbox> deferred_;
  std::string data_;
  State state_ = State::greeting;
  std::size_t asked_ = 0;   ///< recipients
  bool accepted_ = false;   ///< one of them at least
  net::SmtpReply refusal_;  ///< of a recipient: the last one, one for now before one for good
};

}  // namespace ballast::mail
