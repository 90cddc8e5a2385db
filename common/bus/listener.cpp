#include "common/bus/listener.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "common/bus/client_link.hpp"

namespace ballast::bus {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;

namespace {

constexpr auto lock_name = "ballastd.lock";
constexpr std::size_t account_buffer = 16384;
constexpr mode_t socket_umask = 0117;  // leaves 0660
constexpr std::size_t most_groups = 65536;

std::string reason() { return std::generic_category().message(errno); }

struct User {
  uid_t uid;
  gid_t gid;
};

std::optional<User> find_user(const char* name) {
  std::vector<char> buffer(account_buffer);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return User{found->pw_uid, found->pw_gid};
}

std::optional<gid_t> find_group(const char* name) {
  std::vector<char> buffer(account_buffer);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gr_gid;
}

std::string name_of(uid_t uid) {
  std::vector<char> buffer(account_buffer);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fmt::format("uid {}", uid);
  return found->pw_name;
}

Result<std::vector<gid_t>> groups_of(int socket, gid_t primary) {
  std::vector<gid_t> groups(64);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  while (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE || groups.size() > most_groups) return fail("its groups are unknown: {}", reason());
    groups.resize(size / sizeof(gid_t));
  }
  groups.resize(size / sizeof(gid_t));
  groups.push_back(primary);
  return groups;
}

std::string holder(const std::filesystem::path& file) {
  std::ifstream stream{file};
  std::string pid;
  stream >> pid;
  return pid.empty() ? "" : " (pid " + pid + ")";
}

}  // namespace

Result<RunDirLock> RunDirLock::take(const std::filesystem::path& run_dir) {
  std::error_code error;
  const auto before = umask(0022);
  std::filesystem::create_directories(run_dir, error);
  umask(before);
  if (error) return fail("cannot make the run directory {}: {}", run_dir.string(), error.message());
  const auto file = run_dir / lock_name;
  RunDirLock lock{open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (lock.fd_ < 0) return fail("cannot open {}: {}", file.string(), reason());
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail("cannot lock {}: {}", file.string(), reason());
    return fail("another ballastd{} serves {}: stop it first, or choose another --run-dir", holder(file),
                run_dir.string());
  }
  const auto pid = fmt::format("{}\n", getpid());
  if (ftruncate(lock.fd_, 0) != 0 || write(lock.fd_, pid.data(), pid.size()) < 0) {
    return fail("cannot write {}: {}", file.string(), reason());
  }
  return lock;
}

RunDirLock::RunDirLock(RunDirLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

RunDirLock::~RunDirLock() {
  if (fd_ >= 0) close(fd_);
}

Accounts find_accounts() {
  Accounts accounts{
      .owner = geteuid(), .daemons = {}, .readers = find_group("ballast"), .admins = find_group("ballast-admin")};
  auto user = find_user("ballast");
  if (!user) {
    user = find_user("nobody");
    // checkd gives up root's rights to become nobody, and has to reach the socket all the same.
    if (user && !accounts.readers) accounts.readers = user->gid;
  }
  if (user) accounts.daemons = user->uid;
  return accounts;
}

Result<Stream::acceptor> listen(const asio::any_io_executor& executor, const std::filesystem::path& socket,
                                const Accounts& accounts) {
  const auto address = socket_address(socket);
  if (!address) return address.error();
  std::error_code removed;
  std::filesystem::remove(socket, removed);  // of a predecessor: the lock is ours
  Stream::acceptor acceptor{executor};
  boost::system::error_code error;
  acceptor.open(Stream{}, error);
  if (error) return fail("cannot open a Unix socket: {}", error.message());
  keep_from_children(acceptor.native_handle());
  const auto before = umask(socket_umask);
  acceptor.bind(*address, error);
  umask(before);
  if (error) return fail("cannot bind {}: {}", socket.string(), error.message());
  if (accounts.readers && chown(socket.c_str(), static_cast<uid_t>(-1), *accounts.readers) != 0 &&
      accounts.owner == 0) {
    return fail("cannot give {} to the group ballast: {}", socket.string(), reason());
  }
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail("cannot listen on {}: {}", socket.string(), error.message());
  return acceptor;
}

void keep_from_children(int descriptor) { fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail("who it is is unknown: {}", reason());
  auto groups = groups_of(socket, credentials.gid);
  if (!groups) return groups.error();
  return Peer{
      .pid = credentials.pid, .uid = credentials.uid, .groups = std::move(*groups), .user = name_of(credentials.uid)};
}

}  // namespace ballast::bus
