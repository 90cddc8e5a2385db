#pragma once
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/runtime/child.hpp"

namespace ballast::scriptd {

/// A command that may be run: a program by its full path, and who runs it.
struct Prepared {
  std::vector<std::string> words;
  runtime::Confinement user;
  std::string warning;  ///< others than root may write a program that root runs; empty: none
};

/// Who runs commands when nothing says so: keepalived_script where it exists, else nobody.
std::string usual_user();

/// Who runs a command: its own user, script_user, keepalived_script where it exists, or nobody.
Result<runtime::Confinement> user_of(const config::Command& command, const config::Global& global);

/// Finds the program (a name without '/' in the usual folders) and its user. Errors in words: no such user, cannot be
/// executed by that user, or, with enable_script_security, somebody else than root may write what root runs.
Result<Prepared> prepare(const config::Command& command, const config::Global& global);

/// The same for a program of ours that needs no rights: script_user runs it, or who does usually, and never root.
Result<Prepared> prepare_own(const std::string& name, const std::vector<std::string>& arguments,
                             const config::Global& global);

/// This machine's.
std::string host_name();

}  // namespace ballast::scriptd
