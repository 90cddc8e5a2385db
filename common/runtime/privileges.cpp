#include "common/runtime/privileges.hpp"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace ballast::runtime {
namespace {

Error system_failure(const char* what) { return fail("{}: {}", what, std::strerror(errno)); }  // NOLINT

Result<> forbid_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_failure("cannot set no_new_privs");
  return {};
}

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<User> find_user(const std::string& name) {
  std::vector<char> buffer(16384);
  for (const auto& candidate : {name, std::string{"nobody"}}) {
    passwd entry{};
    passwd* found = nullptr;
    const int error = getpwnam_r(candidate.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == 0 && found != nullptr) return User{candidate, found->pw_uid, found->pw_gid};
  }
  return fail("there is neither a user '{}' nor a user 'nobody'", name);
}

void drop_bounding_set() {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // without CAP_SETPCAP it stays as whoever started us has set it
  }
}

}  // namespace

Result<> keep_capabilities(std::initializer_list<int> capabilities) {
  capng_get_caps_process();
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  for (const int capability : capabilities) {
    if (capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(capability)) == 0) {
      return fail("the capability CAP_{} is needed and not there: start as root or by the unit file",
                  capng_capability_to_name(static_cast<unsigned>(capability)));
    }
  }
  capng_clear(CAPNG_SELECT_BOTH);
  for (const int capability : capabilities) {
    const auto sets =
        static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | (may_bound ? CAPNG_BOUNDING_SET : 0));
    capng_update(CAPNG_ADD, sets, static_cast<unsigned>(capability));
  }
  if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
    return system_failure("cannot give up capabilities");
  return forbid_new_privileges();
}

Result<> become_user(const std::string& user) {
  if (geteuid() != 0) return {};
  const auto found = find_user(user);
  if (!found) return found.error();
  drop_bounding_set();
  if (initgroups(found->name.c_str(), found->gid) != 0) return system_failure("cannot take the user's groups");
  if (setresgid(found->gid, found->gid, found->gid) != 0) return system_failure("cannot take the user's group");
  if (setresuid(found->uid, found->uid, found->uid) != 0) return system_failure("cannot become the user");
  if (setuid(0) == 0) return fail("root's rights came back after becoming '{}'", found->name);
  return forbid_new_privileges();
}

}  // namespace ballast::runtime
