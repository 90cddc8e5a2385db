#include "tools/ballastctl/verbs.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace ballast::ctl {
namespace {

constexpr std::array<std::string_view, 14> verbs{"check",  "config",   "connections", "doctor",      "drops",
                                                 "events", "failover", "health",      "maintenance", "reload",
                                                 "server", "status",   "top",         "trace"};
constexpr std::array<std::string_view, 2> maintenance_verbs{"off", "on"};
constexpr std::array<std::string_view, 3> server_verbs{"disable", "drain", "enable"};

// The place of the first word that is no option, from `from` on.
std::size_t next_word(const std::vector<std::string>& arguments, std::size_t from) {
  while (from < arguments.size() && arguments[from].starts_with('-')) from += arguments[from] == "--run-dir" ? 2 : 1;
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

Result<std::vector<std::string>> expand_verbs(std::vector<std::string> arguments) {
  std::size_t at = next_word(arguments, 0);
  std::span<const std::string_view> words = verbs;
  while (at < arguments.size()) {
    const auto word = resolve(arguments[at], words);
    if (!word) return word.error();
    arguments[at] = *word;
    if (words.size() != verbs.size()) break;
    if (*word == "server")
      words = server_verbs;
    else if (*word == "maintenance")
      words = maintenance_verbs;
    else
      break;
    at = next_word(arguments, at + 1);
  }
  return arguments;
}

}  // namespace ballast::ctl
