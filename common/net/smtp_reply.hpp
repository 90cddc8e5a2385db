#pragma once
// What an SMTP server answers (RFC 5321 section 4.2): bytes in, replies out.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace ballast::net {

struct SmtpReply {
  unsigned code = 0;               ///< 200 to 599
  std::vector<std::string> lines;  ///< their texts, printable
  [[nodiscard]] bool good() const { return code < 400; }
  /// 4xx: another time it may do.
  [[nodiscard]] bool temporary() const { return code >= 400 && code < 500; }
};
/// `250 the first line`.
std::string describe(const SmtpReply& reply);

/// Takes bytes as they come. Trusts no length: of a line, of a reply, of what waits.
class SmtpReplyParser {
 public:
  static constexpr std::size_t longest_line = 2'000;  ///< RFC 5321 section 4.5.3.1.5 asks for 512
  static constexpr std::size_t most_lines = 100;

  /// Errors: no reply at all, a line too long, lines of different codes, too many of them. Nothing follows an error.
  Result<> feed(std::string_view bytes);
  /// The next whole reply, oldest first.
  std::optional<SmtpReply> next();
  /// A server that answers before it is asked may be another one (RFC 3207 section 6): after STARTTLS nothing may wait.
  [[nodiscard]] bool empty() const { return line_.empty() && !open_ && ready_.empty(); }

 private:
  Result<> take(std::string_view line);

  std::string line_;
  std::optional<SmtpReply> open_;  ///< its last line has not come yet
  std::vector<SmtpReply> ready_;
};

}  // namespace ballast::net
