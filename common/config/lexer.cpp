#include "common/config/lexer.hpp"

#include <algorithm>
#include <array>

namespace ballast::config {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && letter(text[0]) && std::ranges::all_of(text, [&](char c) { return letter(c) || digit(c); });
}

std::uint32_t Text::column(std::size_t i) const {
  if (columns_.empty()) return first_ + static_cast<std::uint32_t>(i);
  return i < columns_.size() ? columns_[i] : columns_.back() + 1;
}

Position Text::span(std::uint32_t line, std::size_t begin, std::size_t length) const {
  const auto first = column(begin);
  const auto last = length > 0 ? column(begin + length - 1) : first;
  return {line, first, last >= first ? last - first + 1 : 1};
}

Text Text::part(std::size_t begin, std::size_t length) const {
  Text out;
  begin = std::min(begin, size());
  out.chars_ = chars_.substr(begin, length);
  out.first_ = column(begin);
  if (!columns_.empty()) {
    const auto from = columns_.begin() + static_cast<std::ptrdiff_t>(begin);
    out.columns_.assign(from, from + static_cast<std::ptrdiff_t>(out.size()));
  }
  return out;
}

void Text::spell_out_columns() {
  if (!columns_.empty()) return;
  columns_.resize(size());
  for (std::size_t i = 0; i < size(); ++i) columns_[i] = first_ + static_cast<std::uint32_t>(i);
}

void Text::append(const Text& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = other;
    return;
  }
  spell_out_columns();
  for (std::size_t i = 0; i < other.size(); ++i) columns_.push_back(other.column(i));
  chars_ += other.chars_;
}

void Text::erase(std::size_t begin, std::size_t length) {
  if (begin >= size()) return;
  length = std::min(length, size() - begin);
  if (begin == 0 && columns_.empty()) {
    first_ += static_cast<std::uint32_t>(length);
  } else if (begin + length < size()) {
    spell_out_columns();
  }
  chars_.erase(begin, length);
  if (!columns_.empty()) {
    first_ = columns_.front();
    const auto from = columns_.begin() + static_cast<std::ptrdiff_t>(begin);
    columns_.erase(from, from + static_cast<std::ptrdiff_t>(length));
  }
}

void Text::replace(std::size_t begin, std::size_t length, std::string_view value) {
  const auto first = column(begin);
  const auto last = column(begin + length - 1);
  spell_out_columns();
  chars_.replace(begin, length, value);
  const auto from = columns_.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto at = columns_.erase(from, from + static_cast<std::ptrdiff_t>(length));
  const auto inserted = columns_.insert(at, value.size(), first);
  if (value.size() > 1) *(inserted + static_cast<std::ptrdiff_t>(value.size()) - 1) = last;
  if (chars_.empty()) first_ = first;
}

void Text::trim() {
  std::size_t end = size();
  while (end > 0 && is_blank(chars_[end - 1])) --end;
  truncate(end);
  std::size_t begin = 0;
  while (begin < size() && is_blank(chars_[begin])) ++begin;
  if (begin > 0) erase(0, begin);
}

std::size_t QuoteScanner::step(std::size_t i) {
  const char next = i + 1 < text_.size() ? text_[i + 1] : '\0';
  if (text_[i] == '\\' && (next == '"' || (inside_ && next == '\\'))) return 2;
  if (text_[i] == '"') inside_ = !inside_;
  return 1;
}

void strip_comment(Text& text) {
  if (text.view().find_first_of("#!") == std::string_view::npos) return;
  const std::string whole{text.view()};
  QuoteScanner quotes{whole};
  std::size_t removed = 0;
  for (std::size_t i = 0; i < whole.size();) {
    const char next = i + 1 < whole.size() ? whole[i + 1] : '\0';
    if (!quotes.inside() && whole[i] == '\\' && (next == '#' || next == '!')) {
      text.erase(i - removed, 1);
      ++removed;
      i += 2;
      continue;
    }
    if (!quotes.inside() && (whole[i] == '#' || whole[i] == '!')) {
      text.truncate(i - removed);
      return;
    }
    i += quotes.step(i);
  }
}

namespace {

/// The length of `${…}` at the start of a text, which is no brace to cut at; 0: none.
std::size_t reference_length(std::string_view text) {
  if (!text.starts_with("${")) return 0;
  const auto end = text.find('}');
  if (end == std::string_view::npos) return 0;
  const auto name = text.substr(2, end - 2);
  return is_identifier(name.substr(0, name.find(' '))) ? end + 1 : 0;
}

class Splitter {
 public:
  Splitter(const Text& text, std::uint32_t line, Report& report) : text_{text}, line_{line}, report_{report} {}

  std::vector<Piece> run() {
    const auto chars = text_.view();
    for (std::size_t i = 0; i < chars.size();) {
      if (is_blank(chars[i])) {
        ++i;
      } else if (chars[i] == '{' || chars[i] == '}') {
        finish_words();
        pieces_.push_back({chars[i] == '{' ? Piece::Kind::open : Piece::Kind::close, {}, text_.span(line_, i, 1)});
        ++i;
      } else {
        i = word(i);
      }
    }
    finish_words();
    return std::move(pieces_);
  }

 private:
  std::size_t word(std::size_t begin) {
    const auto chars = text_.view();
    Word made;
    QuoteScanner quotes{chars};
    std::size_t i = begin;
    while (i < chars.size()) {
      if (!quotes.inside()) {
        if (const auto length = reference_length(chars.substr(i)); length > 0) {
          made.text += chars.substr(i, length);
          i += length;
          continue;
        }
        if (is_blank(chars[i]) || chars[i] == '{' || chars[i] == '}') break;
      }
      const auto length = quotes.step(i);
      if (length == 2) {
        made.text += chars[i + 1];
      } else if (chars[i] == '"') {
        made.quoted = true;
      } else {
        made.text += chars[i];
      }
      i += length;
    }
    made.at = text_.span(line_, begin, i - begin);
    if (quotes.inside()) report_.error(made.at, "the quote that begins here has no end", "a '\"' is missing");
    words_.push_back(std::move(made));
    return i;
  }

  void finish_words() {
    if (words_.empty()) return;
    const auto at = words_.front().at;
    pieces_.push_back({Piece::Kind::words, std::move(words_), at});
    words_.clear();
  }

  const Text& text_;
  std::uint32_t line_;
  Report& report_;
  std::vector<Word> words_;
  std::vector<Piece> pieces_;
};

}  // namespace

std::optional<std::string_view> plain_part(std::string_view line) {
  constexpr auto special = [] {
    std::array<bool, 256> table{};
    for (const unsigned char c : std::string_view{"#!\"\\$~@"}) table[c] = true;
    return table;
  }();
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  if (line.starts_with("include")) return std::nullopt;
  for (const char c : line) {
    if (special[static_cast<unsigned char>(c)]) return std::nullopt;
  }
  return line;
}

void split_plain(std::string_view text, std::uint32_t line, std::uint32_t first, std::vector<Piece>& pieces) {
  const auto at = [&](std::size_t begin, std::size_t length) {
    return Position{line, first + static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)};
  };
  bool in_words = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (is_blank(c)) {
      ++i;
    } else if (c == '{' || c == '}') {
      pieces.push_back({c == '{' ? Piece::Kind::open : Piece::Kind::close, {}, at(i, 1)});
      in_words = false;
      ++i;
    } else {
      auto end = i;
      while (end < text.size() && !is_blank(text[end]) && text[end] != '{' && text[end] != '}') ++end;
      if (!in_words) pieces.push_back({Piece::Kind::words, {}, at(i, end - i)});
      in_words = true;
      pieces.back().words.push_back({std::string{text.substr(i, end - i)}, at(i, end - i), false});
      i = end;
    }
  }
}

std::vector<Piece> split(const Text& text, std::uint32_t line, Report& report) {
  return Splitter{text, line, report}.run();
}

}  // namespace ballast::config
