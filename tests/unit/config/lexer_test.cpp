#include "common/config/lexer.hpp"

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// Words parted by '|', braces as themselves.
std::string pieces(const std::string& line) {
  Sources sources;
  const auto file = sources.add_file("f", line);
  const auto id = sources.add_line({file, 1});
  Report report{sources};
  Text text{line};
  strip_comment(text);
  text.trim();
  std::string out;
  for (const auto& piece : split(text, id, report)) {
    if (piece.kind == Piece::Kind::open) out += "{";
    if (piece.kind == Piece::Kind::close) out += "}";
    for (const auto& word : piece.words) out += "|" + word.text;
  }
  for (const auto& diagnostic : report.take()) out += " " + diagnostic.message;
  return out;
}

TEST(Lexer, CutsALineAtBlanksAndTabs) {
  EXPECT_EQ(pieces("  priority\t 100 \r"), "|priority|100");
  EXPECT_EQ(pieces(""), "");
  EXPECT_EQ(pieces(" \t "), "");
}

TEST(Lexer, CutsALineAtItsBraces) {
  EXPECT_EQ(pieces("a b{c}d"), "|a|b{|c}|d");
  EXPECT_EQ(pieces("}}{ {"), "}}{{");
  EXPECT_EQ(pieces("virtual_ipaddress { 10.0.0.1 }"), "|virtual_ipaddress{|10.0.0.1}");
}

TEST(Lexer, AnUnquotedHashOrBangBeginsAComment) {
  EXPECT_EQ(pieces("priority 100 # the best"), "|priority|100");
  EXPECT_EQ(pieces("! all of it"), "");
  EXPECT_EQ(pieces("auth_pass pass#word"), "|auth_pass|pass");
  EXPECT_EQ(pieces("description \"a # b ! c\""), "|description|a # b ! c");
}

TEST(Lexer, ABackslashTakesACommentSignItsMeaning) {
  EXPECT_EQ(pieces(R"(auth_pass a\#b\!c # d)"), "|auth_pass|a#b!c");
  EXPECT_EQ(pieces(R"(path C:\dir)"), R"(|path|C:\dir)");
}

TEST(Lexer, OnlyDoubleQuotesQuote) {
  EXPECT_EQ(pieces("a \"b  {c} d\" e"), "|a|b  {c} d|e");
  EXPECT_EQ(pieces("a \"\" b"), "|a||b");
  EXPECT_EQ(pieces("a 'b c'"), "|a|'b|c'");
  EXPECT_EQ(pieces(R"(a "say \"hi\" \\ now")"), R"(|a|say "hi" \ now)");
  EXPECT_EQ(pieces("pre\"fix ed\"tail"), "|prefix edtail");
}

TEST(Lexer, AQuoteWithoutAnEndIsNamed) {
  EXPECT_EQ(pieces("path \"/a b"), "|path|/a b the quote that begins here has no end");
}

TEST(Lexer, ABraceOfAReferenceIsNoBrace) { EXPECT_EQ(pieces("a ${NAME}b {"), "|a|${NAME}b{"); }

TEST(Lexer, WordsKnowTheirColumnThroughReplacement) {
  Text text{"ab $X cd"};
  text.replace(3, 2, "a much longer value");
  const auto view = text.view();
  ASSERT_EQ(view, "ab a much longer value cd");
  EXPECT_EQ(text.column(view.find("cd")), 7U);
  EXPECT_EQ(text.column(view.find("longer")), 4U);
  EXPECT_EQ(text.span(1, 3, 19).length, 2U);
}

TEST(Lexer, PartsAndErasuresKeepColumns) {
  Text text{"  one two three"};
  text.trim();
  EXPECT_EQ(text.column(0), 3U);
  text.erase(4, 4);
  EXPECT_EQ(text.view(), "one three");
  EXPECT_EQ(text.column(4), 11U);
  const auto part = text.part(4);
  EXPECT_EQ(part.view(), "three");
  EXPECT_EQ(part.column(0), 11U);
  text.append(part);
  EXPECT_EQ(text.column(9), 11U);
}

TEST(Lexer, IdentifiersAreWhatCanBeDefined) {
  for (const auto* name : {"A", "_x", "VI_1", "a9"}) EXPECT_TRUE(is_identifier(name)) << name;
  for (const auto* name : {"", "9a", "a-b", "a b", "ä"}) EXPECT_FALSE(is_identifier(name)) << name;
}

}  // namespace
}  // namespace ballast::config
