#include "common/config/command.hpp"

namespace ballast::config {
namespace {

bool parts_words(char c) { return c == ' ' || c == '\t'; }

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (!parts_words(c)) {
      word += c;
      in_word = true;
    } else if (std::exchange(in_word, false)) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (quote != 0) return fail("a {} of the command is not closed", quote);
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return fail("the command names no program");
  return words;
}

std::string command_text(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_of(" \t'\"\\") == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string{"'\\''"} : std::string{c};
    text += '\'';
  }
  return text;
}

}  // namespace ballast::config
