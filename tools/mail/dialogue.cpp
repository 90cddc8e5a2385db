#include "tools/mail/dialogue.hpp"

#include <algorithm>
#include <utility>

namespace ballast::mail {
namespace {

bool offers(const net::SmtpReply& reply, std::string_view extension) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::any_of(reply.lines, [&](const std::string& line) {
    const auto word = std::string_view{line}.substr(0, line.find(' '));
    return std::ranges::equal(word, extension, {}, upper);
  });
}

}  // namespace

Dialogue::Dialogue(const Letter& letter, std::string helo, bool with_tls)
    : helo_{std::move(helo)}, with_tls_{with_tls}, from_{letter.from.address}, to_{letter.to}, data_{compose(letter)} {}

Step Dialogue::say(State next, std::string line) {
  state_ = next;
  return {Step::Kind::send, std::move(line) + "\r\n"};
}

Step Dialogue::refuse(std::string_view what, const net::SmtpReply& reply) {
  state_ = State::over;
  return {Step::Kind::refused, fmt::format("{} to {}", describe(reply), what), reply.temporary()};
}

Step Dialogue::on_reply(const net::SmtpReply& reply) {
  switch (state_) {
    case State::greeting:
      if (!reply.good()) return refuse("the connection", reply);
      return say(State::ehlo, "EHLO " + helo_);
    case State::ehlo:
      if (!reply.good() && !reply.temporary() && !encrypted_) return say(State::helo, "HELO " + helo_);
      [[fallthrough]];
    case State::helo:
      return greeted(reply);
    case State::starttls:
      if (!reply.good()) return say(State::mail, fmt::format("MAIL FROM:<{}>", from_));
      state_ = State::handshake;
      return {Step::Kind::start_tls, {}};
    case State::mail:
      if (!reply.good()) return refuse("MAIL", reply);
      return next_recipient();
    case State::recipients:
      return recipient_answered(reply);
    case State::data:
      if (reply.code != 354) return refuse("DATA", reply);
      state_ = State::body;
      return {Step::Kind::send, data_};
    case State::body:
      if (!reply.good()) return refuse("the mail", reply);
      state_ = State::over;
      if (refusal_.code == 0) return {Step::Kind::done, describe(reply)};
      return {Step::Kind::done, fmt::format("{}, but not to all: {}", describe(reply), describe(refusal_))};
    case State::handshake:
    case State::over:
      break;
  }
  return refuse("nothing that was asked", reply);
}

Step Dialogue::on_tls() {
  encrypted_ = true;
  return say(State::ehlo, "EHLO " + helo_);
}

Step Dialogue::greeted(const net::SmtpReply& reply) {
  if (!reply.good()) return refuse("EHLO", reply);
  if (with_tls_ && !encrypted_ && state_ == State::ehlo && offers(reply, "STARTTLS"))
    return say(State::starttls, "STARTTLS");
  return say(State::mail, fmt::format("MAIL FROM:<{}>", from_));
}

Step Dialogue::next_recipient() {
  if (asked_ < to_.size()) return say(State::recipients, fmt::format("RCPT TO:<{}>", to_[asked_++].address));
  if (!accepted_) return refuse("every recipient", refusal_);
  return say(State::data, "DATA");
}

// Who is accepted gets the mail, though others are not.
Step Dialogue::recipient_answered(const net::SmtpReply& reply) {
  if (reply.good()) {
    accepted_ = true;
  } else {
    if (reply.temporary()) deferred_.push_back(to_[asked_ - 1]);
    if (reply.temporary() || !refusal_.temporary()) refusal_ = reply;
  }
  return next_recipient();
}

}  // namespace ballast::mail
