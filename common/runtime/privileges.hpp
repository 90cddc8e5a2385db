#pragma once
#include <initializer_list>
#include <string>

#include "common/result.hpp"

namespace ballast::runtime {

/// Keeps these capabilities (CAP_… numbers of linux/capability.h) and gives up all others, the bounding set included,
/// and sets no_new_privs.
Result<> keep_capabilities(std::initializer_list<int> capabilities);

/// Whether the capability is in force in this thread.
bool has_capability(int capability);

/// Becomes that user, or `nobody` where it does not exist, with none of root's rights but those of `keep` that are
/// there. Not as root: all but those are given up. For a process that has one thread yet.
Result<> become_user(const std::string& user, std::initializer_list<int> keep = {});

}  // namespace ballast::runtime
