#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace ballast::checkd {

/// What kind of end a probe came to. Two verdicts of one kind and detail are the same news.
enum class Cause : std::uint8_t {
  not_probed,    ///< no probe has ended yet
  passed,
  refused,
  timed_out,
  unreachable,
  closed,        ///< the server closed in the middle
  malformed,     ///< the answer is not HTTP, or its header has no end
  status,        ///< detail: the status code
  digest,        ///< the body is another, or too long to compare
  failed,        ///< any other error of the server's side; detail: errno
  cannot_probe,  ///< this machine could not ask (out of files, bindto address not here): says nothing about the server
};

/// The result of one probe, with its reason in words.
struct Verdict {
  Cause cause = Cause::not_probed;
  int detail = 0;
  std::string reason;                ///< `connect to 10.0.0.2:80: refused`
  std::chrono::microseconds took{};  ///< how long the probe took

  [[nodiscard]] bool passed() const { return cause == Cause::passed; }
  [[nodiscard]] bool same_kind(const Verdict& other) const { return cause == other.cause && detail == other.detail; }
};

}  // namespace ballast::checkd
