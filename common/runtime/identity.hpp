#pragma once
#include <string>

#include "common/result.hpp"
#include "common/runtime/child.hpp"

namespace ballast::runtime {

bool user_exists(const std::string& name);

/// A user with its groups and a minimal environment (PATH, HOME, USER, LOGNAME). `group` empty: the user's own.
/// Errors: no such user, no such group.
Result<Confinement> confinement_of(const std::string& user, const std::string& group);

/// Whether that user may execute the file, by the kernel's own judgement. Needs CAP_SETUID and CAP_SETGID, or to be
/// that user. Errors say what is in the way.
Result<> may_execute(const Confinement& user, const std::string& file);

}  // namespace ballast::runtime
