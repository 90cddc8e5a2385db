#include "common/config/compatibility.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/keywords.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view head =
    "# Compatibility with keepalived\n\n"
    "Made from the tables in common/config by `ballastctl keywords --markdown`; scripts/compatibility writes it "
    "anew.\n\n"
    "Ballast reads keepalived.conf(5) of keepalived 2.2, and of 2.4 what its own documents name. A keyword that is not "
    "done is a\n"
    "warning that says why (`ballastctl check FILE`; an error with `--strict`), never a silent no.\n\n"
    "- *done*: as in keepalived, as far as its manual tells\n"
    "- *partly*: done, with the difference that is told\n"
    "- *later*: still to come\n"
    "- *no*: it has no place here; what there is instead is told\n";

struct Row {
  std::string_view name;
  std::string_view state;
  std::string_view text;
};

/// A keyword with its other names, as they are written in that context.
std::vector<std::string_view> names_of(const Keyword& keyword) {
  std::vector<std::string_view> names{keyword.name};
  names.insert(names.end(), keyword.aliases.begin(), keyword.aliases.end());
  return names;
}

class Section {
 public:
  explicit Section(Context context) : context_{context} {
    for (const auto& keyword : keywords()) {
      if (std::ranges::find(keyword.contexts, context) == keyword.contexts.end()) continue;
      for (const auto name : names_of(keyword)) sort_in(name);
    }
    for (const auto& undone : undone_keywords()) {
      if (undone.context != context) continue;
      for (const auto name : cut_words(undone.names))
        rows_.push_back({name, undone.fate == Fate::later ? "later" : "no", undone.reason});
    }
    std::ranges::sort(done_);
    std::ranges::sort(own_);
    std::ranges::sort(rows_, {}, &Row::name);
  }

  /// Nothing for a block that keepalived does not have.
  [[nodiscard]] std::string text() const {
    if (done_.empty() && rows_.empty()) return {};
    auto out = fmt::format("\n## {}\n", name_of(context_));
    if (!rows_.empty()) out += "\n| keyword | | difference, reason, what to do |\n|---|---|---|\n";
    for (const auto& row : rows_) out += fmt::format("| `{}` | {} | {} |\n", row.name, row.state, row.text);
    if (!done_.empty()) out += fmt::format("\nDone: {}.\n", listed(done_));
    if (!own_.empty()) out += fmt::format("\nBallast's own: {}.\n", listed(own_));
    return out;
  }

 private:
  static std::string listed(const std::vector<std::string_view>& names) {
    std::vector<std::string> quoted;
    for (const auto name : names) quoted.push_back(fmt::format("`{}`", name));
    return fmt::format("{}", fmt::join(quoted, ", "));
  }
  void sort_in(std::string_view name) {
    const auto difference = difference_of(context_, name);
    if (is_our_own(context_, name))
      own_.push_back(name);
    else if (!difference.empty())
      rows_.push_back({name, "partly", difference});
    else
      done_.push_back(name);
  }

  Context context_;
  std::vector<std::string_view> done_;
  std::vector<std::string_view> own_;
  std::vector<Row> rows_;
};

}  // namespace

std::string compatibility_page() {
  std::string page{head};
  for (const auto& [context, name] : enum_names(static_cast<Context*>(nullptr))) page += Section{context}.text();
  return page;
}

}  // namespace ballast::config
