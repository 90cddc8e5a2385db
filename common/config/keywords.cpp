#include "common/config/keywords.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "common/config/table.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t context_count = enum_names(static_cast<Context*>(nullptr)).size();
using Names = std::unordered_map<std::string_view, const Keyword*>;

const std::array<Names, context_count>& index() {
  static const auto built = [] {
    std::array<Names, context_count> names;
    for (const auto& keyword : keywords()) {
      for (const auto context : keyword.contexts) {
        auto& here = names[static_cast<std::size_t>(context)];
        here.emplace(keyword.name, &keyword);
        for (const auto alias : keyword.aliases) here.emplace(alias, &keyword);
      }
    }
    return names;
  }();
  return built;
}

/// Insertions, deletions, substitutions and swaps of neighbours from one word to the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

const std::vector<Keyword>& keywords() {
  static const auto table = [] {
    std::vector<Keyword> made;
    Table adding{made};
    add_global_keywords(adding);
    add_vrrp_keywords(adding);
    add_authentication_keywords(adding);
    add_election_keywords(adding);
    add_service_keywords(adding);
    add_check_keywords(adding);
    add_source_keywords(adding);
    add_amend_keywords(adding);
    add_forwarding_keywords(adding);
    add_kernel_keywords(adding);
    add_tracking_keywords(adding);
    add_script_keywords(adding);
    add_mail_keywords(adding);
    return made;
  }();
  return table;
}

const Keyword* find_keyword(Context context, std::string_view name) {
  const auto& names = index()[static_cast<std::size_t>(context)];
  const auto found = names.find(name);
  return found == names.end() ? nullptr : found->second;
}

std::vector<Context> contexts_of(std::string_view name) {
  std::vector<Context> found;
  for (std::size_t i = 0; i < context_count; ++i) {
    if (find_keyword(static_cast<Context>(i), name) != nullptr) found.push_back(static_cast<Context>(i));
  }
  return found;
}

std::string nearest(std::string_view name, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t longest = 64;  // no keyword is longer; a text of thousands of characters is no misspelling
  if (name.size() > longest) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const auto candidate : candidates) {
    const auto longer = std::max(name.size(), candidate.size());
    if (longer - std::min(name.size(), candidate.size()) > least) continue;  // so many insertions at least
    const auto distance = edit_distance(name, candidate);
    if (distance < least || (distance == least && !best.empty() && candidate < best)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(Context context, std::string_view name) {
  std::vector<std::string_view> candidates = keywords_undone(context);
  for (const auto& [known, keyword] : index()[static_cast<std::size_t>(context)]) candidates.push_back(known);
  return nearest(name, candidates);
}

}  // namespace ballast::config
