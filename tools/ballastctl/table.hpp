#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ballast::ctl {

enum class Colour : std::uint8_t { plain, good, warn, bad, dim };

/// The text in that colour, where colours are wanted.
std::string paint(const std::string& text, Colour colour, bool colours);

/// `12 s`, `3 min 5 s`, `2 h 5 min`, `4 d 3 h`
std::string age(double seconds);

struct Cell {
  Cell(std::string what, Colour in = Colour::plain) : text(std::move(what)), colour(in) {}  // NOLINT: cells are texts
  Cell(const char* what) : text(what) {}                                                    // NOLINT
  std::string text;
  Colour colour;
};

struct Column {
  std::string title;
  bool right = false;  ///< numbers
};

/// Text in aligned columns, with lines of their own between the rows.
class Table {
 public:
  Table(std::vector<Column> columns, std::size_t indent) : columns_(std::move(columns)), indent_(indent) {}
  void row(std::vector<Cell> cells) { lines_.push_back({std::move(cells), 0}); }
  /// A line that is not in columns.
  void note(Cell text, std::size_t indent) { lines_.push_back({{std::move(text)}, indent}); }
  [[nodiscard]] std::string render(bool colours) const;

 private:
  struct Line {
    std::vector<Cell> cells;
    std::size_t note_indent;  ///< 0: a row
  };
  std::vector<Column> columns_;
  std::size_t indent_;
  std::vector<Line> lines_;
};

}  // namespace ballast::ctl
