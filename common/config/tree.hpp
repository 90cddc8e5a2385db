#pragma once
#include <vector>

#include "common/config/lexer.hpp"

namespace ballast::config {

/// A keyword or record with its words, and the block that follows it.
struct Statement {
  std::vector<Word> words;
  std::vector<Statement> children;
  bool has_block = false;
  Position open;  ///< of the opening brace

  /// `vrrp_instance VI_1`, for messages.
  [[nodiscard]] std::string title() const;
  [[nodiscard]] Position at() const { return words.empty() ? open : words.front().at; }
};

/// Makes the tree from lines, one after another.
class TreeBuilder {
 public:
  explicit TreeBuilder(Report& report);
  /// Takes what is in the pieces.
  void add(std::vector<Piece>& pieces);
  /// The root, whose children are the file's statements.
  [[nodiscard]] Statement finish();

 private:
  void open(Position at);
  void close(Position at);
  Report& report_;
  Statement root_;
  std::vector<Statement*> stack_;
  std::size_t too_deep_ = 0;  ///< blocks opened below the deepest that is kept
};

}  // namespace ballast::config
