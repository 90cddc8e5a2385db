#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "tools/ballastctl/verb_tree.hpp"

namespace ballast::ctl {

/// The word of `words` that `typed` is, or is a prefix of if of no other. Errors name the candidates.
Result<std::string_view> resolve(std::string_view typed, std::span<const std::string_view> words);

/// Writes out abbreviated verbs: `st --json` is `status --json`, `ser dr X` is `server drain X`. Options stay as they
/// are.
Result<std::vector<std::string>> expand_verbs(std::vector<std::string> arguments, const Verb& root);

}  // namespace ballast::ctl
