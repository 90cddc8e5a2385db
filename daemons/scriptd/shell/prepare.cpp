#include "daemons/scriptd/shell/prepare.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "common/runtime/identity.hpp"
#include "common/runtime/own_program.hpp"

namespace ballast::scriptd {
namespace {

constexpr std::array folders{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr auto keepalived_user = "keepalived_script";
constexpr auto last_user = "nobody";

Result<std::string> find_program(const std::string& name) {
  std::error_code error;
  if (name.find('/') != std::string::npos) {
    auto path = std::filesystem::canonical(name, error);
    if (error) return fail("{}: {}", name, error.message());
    if (!std::filesystem::is_regular_file(path, error)) return fail("{} is no file", name);
    return path.string();
  }
  for (const auto* folder : folders) {
    const auto path = std::filesystem::path{folder} / name;
    if (std::filesystem::is_regular_file(path, error)) return path.string();
  }
  return fail("{} is in none of the usual folders: write its path", name);
}

/// The first part of the path that others than root may change; empty: none.
std::string open_to_others(const std::filesystem::path& program) {
  std::filesystem::path part;
  for (const auto& name : program) {
    part /= name;
    struct stat info {};
    if (stat(part.c_str(), &info) != 0) return part.string();
    const bool group_writes = (info.st_mode & S_IWGRP) != 0 && info.st_gid != 0;
    if (info.st_uid != 0 || group_writes || (info.st_mode & S_IWOTH) != 0) return part.string();
  }
  return {};
}

}  // namespace

std::string usual_user() { return runtime::user_exists(keepalived_user) ? keepalived_user : last_user; }

Result<runtime::Confinement> user_of(const config::Command& command, const config::Global& global) {
  if (!command.user.empty()) return runtime::confinement_of(command.user, command.group);
  if (!global.script_user.empty()) {
    const auto blank = global.script_user.find(' ');
    return runtime::confinement_of(global.script_user.substr(0, blank),
                                   blank == std::string::npos ? "" : global.script_user.substr(blank + 1));
  }
  return runtime::confinement_of(usual_user(), "");
}

Result<Prepared> prepare(const config::Command& command, const config::Global& global) {
  if (command.words.empty()) return fail("there is no program");
  auto user = user_of(command, global);
  if (!user) return user.error();
  const auto program = find_program(command.words.front());
  if (!program) return fail("cannot be executed: {}", program.error().message);
  if (const auto may = runtime::may_execute(*user, *program); !may)
    return fail("cannot be executed by user {}: {}", user->uid, may.error().message);
  Prepared made{command.words, std::move(*user), {}};
  // A program may look at the name it was called by, so a link keeps its own, once it is known where it leads.
  if (command.words.front().find('/') == std::string::npos) made.words.front() = *program;
  if (made.user.uid != 0) return made;
  const auto open = open_to_others(*program);
  if (open.empty()) return made;
  made.warning = fmt::format("{} runs as root, and others than root may write {}", *program, open);
  if (global.enable_script_security) return fail("{}: refused, because of enable_script_security", made.warning);
  return made;
}

Result<Prepared> prepare_own(const std::string& name, const std::vector<std::string>& arguments,
                             const config::Global& global) {
  const auto program = runtime::own_program(name);
  if (!program) return program.error();
  config::Command command{{program->string()}, {}, {}};
  command.words.insert(command.words.end(), arguments.begin(), arguments.end());
  const auto user = user_of(command, global);
  if (!user || user->uid == 0) command.user = usual_user();
  return prepare(command, global);
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0 ? name.data() : "localhost";
}

}  // namespace ballast::scriptd
