#include "common/runtime/identity.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ballast::runtime {
namespace {

constexpr std::size_t record_size = 16'384;
constexpr auto search_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Result<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(record_size);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail("there is no group '{}'", name);
  return found->gr_gid;
}

std::vector<gid_t> groups_of(const std::string& user, gid_t gid) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) return {gid};
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

/// Effective identity of another user while it lives; the capabilities come back with root's.
class Borrowed {
 public:
  explicit Borrowed(const Confinement& user) : groups_(64) {
    const int count = getgroups(static_cast<int>(groups_.size()), groups_.data());
    groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    good_ = setgroups(user.groups.size(), user.groups.data()) == 0 && setegid(user.gid) == 0 && seteuid(user.uid) == 0;
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    if (seteuid(0) != 0 || setegid(getgid()) != 0 || setgroups(groups_.size(), groups_.data()) != 0) _exit(1);
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::vector<gid_t> groups_;
  bool good_ = false;
};

}  // namespace

bool user_exists(const std::string& name) {
  std::vector<char> buffer(record_size);
  passwd entry{};
  passwd* found = nullptr;
  return getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
}

Result<Confinement> confinement_of(const std::string& user, const std::string& group) {
  std::vector<char> buffer(record_size);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail("there is no user '{}'", user);
  const auto gid = group.empty() ? Result<gid_t>{found->pw_gid} : group_id(group);
  if (!gid) return gid.error();
  return Confinement{found->pw_uid,
                     *gid,
                     groups_of(user, *gid),
                     {search_path, fmt::format("HOME={}", found->pw_dir), "USER=" + user, "LOGNAME=" + user}};
}

Result<> may_execute(const Confinement& user, const std::string& file) {
  int error = 0;
  if (geteuid() != 0) {
    if (access(file.c_str(), X_OK) != 0) error = errno;
  } else {
    const Borrowed identity{user};
    if (!identity.good() || faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) != 0) error = errno;
  }
  if (error != 0) return fail("{}: {}", file, std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
  return {};
}

}  // namespace ballast::runtime
