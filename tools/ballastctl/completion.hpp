#pragma once
#include <string>

#include "tools/ballastctl/verb_tree.hpp"

namespace ballast::ctl {

/// A script that completes ballastctl's command line in bash. Names of services, servers and instances are asked of
/// the running node by `ballastctl completion words`.
std::string bash_completion(const Verb& root);
/// The same for zsh, with what each verb and option is for.
std::string zsh_completion(const Verb& root);

/// All verbs as they are typed, one a line, each with its long options: `server drain`, `events --follow --lines`.
std::string list_of_verbs(const Verb& root);

}  // namespace ballast::ctl
