#include "tools/ballastctl/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::ctl {
namespace {

// How many columns of a terminal a UTF-8 text takes, wide characters not considered.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const Cell& cell, std::size_t to, bool right, bool last, bool colours) {
  const auto painted = paint(cell.text, cell.colour, colours);
  const std::string fill(to - std::min(to, width(cell.text)), ' ');
  if (right) return fill + painted;
  return last ? painted : painted + fill;
}

void trim_right(std::string& text) {
  while (text.ends_with(' ')) text.pop_back();
}

}  // namespace

std::string paint(const std::string& text, Colour colour, bool colours) {
  if (!colours || colour == Colour::plain) return text;
  const char* code = "2";
  if (colour == Colour::good) code = "32";
  if (colour == Colour::warn) code = "33";
  if (colour == Colour::bad) code = "1;31";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string age(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds));
  const auto two = [](std::uint64_t big, const char* unit, std::uint64_t small, const char* part) {
    return small == 0 ? fmt::format("{} {}", big, unit) : fmt::format("{} {} {} {}", big, unit, small, part);
  };
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return two(whole / 60, "min", whole % 60, "s");
  if (whole < 86'400) return two(whole / 3600, "h", whole / 60 % 60, "min");
  return two(whole / 86'400, "d", whole / 3600 % 24, "h");
}

std::string Table::render(bool colours) const {
  std::vector<std::size_t> widths;
  for (const auto& column : columns_) widths.push_back(width(column.title));
  for (const auto& line : lines_) {
    if (line.note_indent != 0) continue;
    for (std::size_t i = 0; i < line.cells.size(); ++i) widths[i] = std::max(widths[i], width(line.cells[i].text));
  }
  std::string text;
  const auto write = [&](const std::vector<Cell>& cells) {
    std::string line(indent_, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += "  ";
      line += padded(cells[i], widths[i], columns_[i].right, i + 1 == cells.size(), colours);
    }
    trim_right(line);
    text += line + '\n';
  };
  std::vector<Cell> titles;
  for (const auto& column : columns_) titles.emplace_back(column.title, Colour::dim);
  write(titles);
  for (const auto& line : lines_) {
    if (line.note_indent == 0) write(line.cells);
    else text += std::string(line.note_indent, ' ') + paint(line.cells[0].text, line.cells[0].colour, colours) + '\n';
  }
  return text;
}

}  // namespace ballast::ctl
