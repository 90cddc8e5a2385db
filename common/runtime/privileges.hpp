#pragma once
#include <initializer_list>
#include <string>

#include "common/result.hpp"

namespace ballast::runtime {

/// Keeps these capabilities (CAP_… numbers of linux/capability.h) and gives up all others, the bounding set included,
/// and sets no_new_privs.
Result<> keep_capabilities(std::initializer_list<int> capabilities);

/// Becomes that user, or `nobody` where it does not exist, with none of root's rights. Nothing happens when not root.
Result<> become_user(const std::string& user);

}  // namespace ballast::runtime
