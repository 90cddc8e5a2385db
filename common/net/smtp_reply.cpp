#include "common/net/smtp_reply.hpp"

#include <algorithm>
#include <utility>

namespace ballast::net {
namespace {

constexpr std::size_t shown = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string printable(std::string_view text) {
  std::string made{text.substr(0, shown)};
  std::ranges::replace_if(
      made, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return made;
}

}  // namespace

std::string describe(const SmtpReply& reply) {
  return fmt::format("{} {}", reply.code, reply.lines.empty() ? "" : reply.lines.front());
}

Result<> SmtpReplyParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > longest_line) return fail("an answer with a line of more than {} bytes", longest_line);
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    auto line = std::exchange(line_, {});
    if (line.ends_with('\r')) line.pop_back();
    if (auto done = take(line); !done) return done;
  }
  return {};
}

// NNN[-| TEXT]
Result<> SmtpReplyParser::take(std::string_view line) {
  const bool numbered = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2]);
  if (!numbered || (line.size() > 3 && line[3] != ' ' && line[3] != '-'))
    return fail("'{}' is no answer of an SMTP server", printable(line));
  const auto code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  if (!open_) open_ = SmtpReply{code, {}};
  if (open_->code != code) return fail("an answer with two codes, {} and {}", open_->code, code);
  if (open_->lines.size() == most_lines) return fail("an answer of more than {} lines", most_lines);
  open_->lines.push_back(line.size() > 4 ? printable(line.substr(4)) : std::string{});
  if (line.size() > 3 && line[3] == '-') return {};
  if (ready_.size() == most_lines) return fail("answers that nobody asked for");
  ready_.push_back(std::move(*open_));
  open_.reset();
  return {};
}

std::optional<SmtpReply> SmtpReplyParser::next() {
  if (ready_.empty()) return std::nullopt;
  auto reply = std::move(ready_.front());
  ready_.erase(ready_.begin());
  return reply;
}

}  // namespace ballast::net
