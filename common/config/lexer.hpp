#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/source.hpp"

namespace ballast::config {

/// A line's characters, each of which knows the column it was written in, through all replacements.
class Text {
 public:
  Text() = default;
  explicit Text(std::string_view chars) : chars_{chars} {}

  [[nodiscard]] std::string_view view() const { return chars_; }
  [[nodiscard]] bool empty() const { return chars_.empty(); }
  [[nodiscard]] std::size_t size() const { return chars_.size(); }
  [[nodiscard]] char operator[](std::size_t i) const { return chars_[i]; }
  /// The column (from 1) of a character; behind the end, the one after the last.
  [[nodiscard]] std::uint32_t column(std::size_t i) const;
  /// From the first to the last of `length` characters.
  [[nodiscard]] Position span(std::uint32_t line, std::size_t begin, std::size_t length) const;

  [[nodiscard]] Text part(std::size_t begin, std::size_t length = std::string::npos) const;
  void append(const Text& other);
  void erase(std::size_t begin, std::size_t length);
  void truncate(std::size_t length) { erase(length, size()); }
  /// The new characters stand where the old ones were.
  void replace(std::size_t begin, std::size_t length, std::string_view value);
  void trim();

 private:
  void spell_out_columns();
  std::string chars_;
  std::uint32_t first_ = 1;             ///< the first character's column, while columns_ is empty
  std::vector<std::uint32_t> columns_;  ///< once anything was replaced
};

struct Word {
  std::string text;
  Position at;
  bool quoted = false;
};

/// A line cut at its braces.
struct Piece {
  enum class Kind : std::uint8_t { words, open, close };
  Kind kind = Kind::words;
  std::vector<Word> words;
  Position at;
};

/// Walks over a text and knows which characters stand in `"…"`; a backslash takes a quote its meaning.
class QuoteScanner {
 public:
  explicit QuoteScanner(std::string_view text) : text_{text} {}
  /// Steps over the character at `i`; gives how many characters it takes (2 for an escaped one).
  std::size_t step(std::size_t i);
  [[nodiscard]] bool inside() const { return inside_; }

 private:
  std::string_view text_;
  bool inside_ = false;
};

/// Removes the comment (an unquoted # or !) and the backslash of \# and \!.
void strip_comment(Text& text);
/// A line without comments, quotes, replacements, conditions and includes, as nearly all lines are: what remains of it
/// between its blanks at both ends, which may be nothing. None: it has some of these.
[[nodiscard]] std::optional<std::string_view> plain_part(std::string_view line);
/// Words and braces of such a line; `first`: the column of its first character.
void split_plain(std::string_view text, std::uint32_t line, std::uint32_t first, std::vector<Piece>& pieces);
/// Words and braces of a line.
std::vector<Piece> split(const Text& text, std::uint32_t line, Report& report);
[[nodiscard]] bool is_blank(char c);
[[nodiscard]] bool is_identifier(std::string_view text);

}  // namespace ballast::config
