#include "tools/ballastctl/verbs.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace ballast::ctl {
namespace {

/// The place of the first word that is no option and no option's value, from `from` on.
std::size_t next_word(const std::vector<std::string>& arguments, std::size_t from, const Verb& root, const Verb& verb) {
  while (from < arguments.size() && arguments[from].starts_with('-')) {
    const auto* option = find_option(root, verb, arguments[from]);
    from += option != nullptr && option->takes_value ? 2 : 1;
  }
  return from;
}

}  // namespace

Result<std::string_view> resolve(std::string_view typed, std::span<const std::string_view> words) {
  if (std::ranges::find(words, typed) != words.end()) return *std::ranges::find(words, typed);
  std::vector<std::string_view> candidates;
  std::ranges::copy_if(words, std::back_inserter(candidates), [&](auto word) { return word.starts_with(typed); });
  if (candidates.size() == 1) return candidates.front();
  if (candidates.empty()) return fail("no verb '{}'; there are {}", typed, fmt::join(words, ", "));
  return fail("'{}' may be {}", typed, fmt::join(candidates, " or "));
}

Result<std::vector<std::string>> expand_verbs(std::vector<std::string> arguments, const Verb& root) {
  const auto* within = &root;
  for (std::size_t at = 0; !within->verbs.empty(); ++at) {
    at = next_word(arguments, at, root, *within);
    if (at >= arguments.size()) break;
    std::vector<std::string_view> words;
    for (const auto& verb : within->verbs) {
      if (!verb.hidden || verb.name == arguments[at]) words.push_back(verb.name);
    }
    const auto word = resolve(arguments[at], words);
    if (!word) return word.error();
    arguments[at] = *word;
    within = find(*within, *word);
  }
  return arguments;
}

}  // namespace ballast::ctl
