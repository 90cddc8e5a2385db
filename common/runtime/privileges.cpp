#include "common/runtime/privileges.hpp"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
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

namespace {

// Gives up all that may be given up but these.
Result<> reduce_to(std::span<const int> capabilities, bool may_bound) {
  capng_clear(CAPNG_SELECT_BOTH);
  const auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | (may_bound ? CAPNG_BOUNDING_SET : 0));
  for (const int capability : capabilities) capng_update(CAPNG_ADD, sets, static_cast<unsigned>(capability));
  if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
    return system_failure("cannot give up capabilities");
  return forbid_new_privileges();
}

bool has(capng_type_t set, int capability) {
  return capng_have_capability(set, static_cast<unsigned>(capability)) != 0;
}

// Those of them that are permitted.
std::vector<int> permitted_of(std::span<const int> capabilities) {
  capng_get_caps_process();
  std::vector<int> found;
  std::ranges::copy_if(capabilities, std::back_inserter(found), [](int each) { return has(CAPNG_PERMITTED, each); });
  return found;
}

}  // namespace

Result<> keep_capabilities(std::initializer_list<int> capabilities) {
  capng_get_caps_process();
  const bool may_bound = has(CAPNG_EFFECTIVE, CAP_SETPCAP);
  for (const int capability : capabilities) {
    if (!has(CAPNG_PERMITTED, capability)) {
      return fail("the capability CAP_{} is needed and not there: start as root or by the unit file",
                  capng_capability_to_name(static_cast<unsigned>(capability)));
    }
  }
  return reduce_to({capabilities.begin(), capabilities.size()}, may_bound);
}

bool has_capability(int capability) {
  capng_get_caps_process();
  return has(CAPNG_EFFECTIVE, capability);
}

Result<> become_user(const std::string& user, std::initializer_list<int> keep) {
  const std::span<const int> wanted{keep.begin(), keep.size()};
  if (geteuid() != 0) return reduce_to(permitted_of(wanted), false);
  const auto found = find_user(user);
  if (!found) return found.error();
  drop_bounding_set();
  if (initgroups(found->name.c_str(), found->gid) != 0) return system_failure("cannot take the user's groups");
  if (setresgid(found->gid, found->gid, found->gid) != 0) return system_failure("cannot take the user's group");
  // The permitted ones survive the change of user, and no program that is executed: then all but these are given up.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return system_failure("cannot keep capabilities");
  if (setresuid(found->uid, found->uid, found->uid) != 0) return system_failure("cannot become the user");
  if (auto reduced = reduce_to(permitted_of(wanted), false); !reduced) return reduced;
  if (setuid(0) == 0) return fail("root's rights came back after becoming '{}'", found->name);
  return {};
}

}  // namespace ballast::runtime
