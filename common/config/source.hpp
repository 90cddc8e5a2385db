#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/loader.hpp"

namespace ballast::config {

/// Where a word stands: the line as it was read (an id of Sources, growing in reading order) and the bytes in it.
struct Position {
  std::uint32_t line = 0;    ///< id of a line; 0: nowhere in particular
  std::uint32_t column = 1;  ///< from 1
  std::uint32_t length = 1;
};

/// A value and where it was written.
template <class T>
struct At {
  T value{};
  Position at;
};

/// The line of a file that a piece of text came from.
struct Origin {
  std::uint32_t file = 0;
  std::uint32_t number = 0;  ///< from 1; 0: the file as a whole
};

/// The texts that were read, and the order in which their lines were.
class Sources {
 public:
  Sources();
  /// Takes a text over. Bytes that are not text (NUL, broken UTF-8) become '?', and are remembered.
  std::uint32_t add_file(std::string name, std::string text);
  /// The next line in reading order; a line of a definition is read as often as it is used.
  std::uint32_t add_line(Origin origin);

  [[nodiscard]] const std::string& name(std::uint32_t file) const { return files_[file].name; }
  [[nodiscard]] std::uint32_t line_count(std::uint32_t file) const;
  /// Without the line's end.
  [[nodiscard]] std::string_view line_text(Origin origin) const;
  /// The column of a line's first byte that is no text; 0: none.
  [[nodiscard]] std::uint32_t bad_byte(Origin origin) const;
  [[nodiscard]] Origin origin(std::uint32_t line) const { return lines_[line]; }

 private:
  struct File {
    std::string name;
    std::string text;
    std::vector<std::size_t> starts;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> bad;  ///< line, column; sorted
  };
  std::deque<File> files_;
  std::vector<Origin> lines_;
};

/// A text as a message may quote it: what is longer ends with "…".
std::string shorten(std::string_view text, std::size_t longest = 80);

/// Collects the faults of a text; gives them back in its order, none twice.
class Report {
 public:
  explicit Report(const Sources& sources) : sources_{sources} {}
  void error(Position at, std::string message, std::string hint = {});
  void warning(Position at, std::string message, std::string hint = {});
  /// A diagnostic with everything filled in, kept by the caller.
  [[nodiscard]] Diagnostic make(Severity severity, Position at, std::string message, std::string hint = {}) const;
  /// `ballast.conf:14`, to point at a second place in a message.
  [[nodiscard]] std::string where(Position at) const;
  [[nodiscard]] std::vector<Diagnostic> take();

 private:
  struct Entry {
    Position at;
    Diagnostic diagnostic;
  };
  void add(Severity severity, Position at, std::string message, std::string hint);
  const Sources& sources_;
  std::vector<Entry> entries_;
  std::size_t left_out_ = 0;
};

}  // namespace ballast::config
