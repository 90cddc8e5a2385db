#include "common/config/tree.hpp"

namespace ballast::config {
namespace {
constexpr std::size_t max_depth = 32;  ///< the language itself needs five
}

std::string Statement::title() const {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < 3; ++i) out += (i > 0 ? " " : "") + words[i].text;
  return out;
}

TreeBuilder::TreeBuilder(Report& report) : report_{report}, stack_{&root_} {}

void TreeBuilder::add(std::vector<Piece>& pieces) {
  for (auto& piece : pieces) {
    switch (piece.kind) {
      case Piece::Kind::open:
        open(piece.at);
        break;
      case Piece::Kind::close:
        close(piece.at);
        break;
      case Piece::Kind::words:
        if (too_deep_ == 0) stack_.back()->children.push_back({std::move(piece.words), {}, false, {}});
    }
  }
}

void TreeBuilder::open(Position at) {
  if (too_deep_ > 0 || stack_.size() > max_depth) {
    if (too_deep_ == 0) report_.error(at, fmt::format("blocks are nested more than {} deep", max_depth));
    ++too_deep_;
    return;
  }
  auto& siblings = stack_.back()->children;
  if (siblings.empty() || siblings.back().has_block) {
    report_.error(at, "a block without a keyword before it");
    siblings.push_back({});
  }
  siblings.back().has_block = true;
  siblings.back().open = at;
  stack_.push_back(&siblings.back());
}

void TreeBuilder::close(Position at) {
  if (too_deep_ > 0) {
    --too_deep_;
  } else if (stack_.size() == 1) {
    report_.error(at, "this '}' closes no block");
  } else {
    stack_.pop_back();
  }
}

Statement TreeBuilder::finish() {
  for (std::size_t i = 1; i < stack_.size(); ++i) {
    const auto& block = *stack_[i];
    report_.error(block.at(), fmt::format("the block of '{}' is never closed", block.title()), "a '}' is missing");
  }
  return std::move(root_);
}

}  // namespace ballast::config
