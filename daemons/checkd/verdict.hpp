#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace ballast::checkd {

/// What kind of end a probe came to. Two verdicts of one kind and detail are the same news.
enum class Cause : std::uint8_t {
  not_probed,  ///< no probe has ended yet
  passed,
  refused,
  timed_out,  ///< detail: in which Stage
  unreachable,
  closed,        ///< the server closed in the middle
  malformed,     ///< the answer is not HTTP, or its header has no end
  status,        ///< detail: the status code
  digest,        ///< the body is another, or too long to compare
  program,       ///< a program said no; detail: its exit status
  said_down,     ///< the server itself, or its agent, said that it is not to be used; detail: which word
  content,       ///< the answer is not what was wanted (regex, reply, body); detail: which part
  certificate,   ///< TLS: it is not trusted, or not its own; detail: OpenSSL's verify error
  failed,        ///< any other error of the server's side; detail: errno
  cannot_probe,  ///< this machine could not ask (out of files, bindto address not here): says nothing about the server
};

/// How far a probe had come: what times out later is other news than what timed out before.
enum class Stage : std::uint8_t { connecting, handshake, answer };

/// What a check says of its server's weight, besides up and down.
struct WeightWord {
  enum class Kind : std::uint8_t { none, absolute, percent, added };
  Kind kind = Kind::none;
  int value = 0;
  bool operator==(const WeightWord&) const = default;
};

/// The result of one probe, with its reason in words.
struct Verdict {
  Cause cause = Cause::not_probed;
  int detail = 0;
  std::string reason;                ///< `connect to 10.0.0.2:80: refused`
  std::chrono::microseconds took{};  ///< how long the probe took
  WeightWord weight{};
  double certificate_until = 0;  ///< unix time at which the server's TLS certificate ends; 0: none was seen

  [[nodiscard]] bool passed() const { return cause == Cause::passed; }
  [[nodiscard]] bool same_kind(const Verdict& other) const {
    return cause == other.cause && detail == other.detail && weight == other.weight;
  }
};

}  // namespace ballast::checkd
