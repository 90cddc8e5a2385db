#include "tools/realserver/clients.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <realserver_clients.skel.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>

#include "tools/realserver/bpf.hpp"
#include "tools/realserver/layout.hpp"

namespace ballast::realserver {
namespace fs = std::filesystem;
namespace {

/// A program of the object, where it is attached, and its link's pin.
struct Hook {
  const char* program;
  bpf_attach_type type;
  const char* pin;
};
constexpr Hook hooks[] = {
    {"ballast_peer4", BPF_CGROUP_INET4_GETPEERNAME, "link_peer4"},
    {"ballast_peer6", BPF_CGROUP_INET6_GETPEERNAME, "link_peer6"},
    {"ballast_accept", BPF_CGROUP_SOCK_OPS, "link_accept"},
};

fs::path folder_of(const fs::path& pin_dir) { return pin_dir / "clients"; }

/// A cgroup's id is its folder's inode.
std::uint64_t cgroup_id(const std::string& cgroup) {
  struct stat about {};
  return stat(cgroup.c_str(), &about) == 0 ? about.st_ino : 0;
}

bool is_attached(const fs::path& pin, std::uint64_t cgroup) {
  const auto info = link_info(pin);
  return cgroup != 0 && info && info->type == BPF_LINK_TYPE_CGROUP && info->cgroup_id == cgroup;
}

Result<> attach(const Object& object, const Hook& hook, const std::string& cgroup, const fs::path& pin) {
  const Descriptor folder{open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return fail("{}: {}", cgroup, reason(errno));
  const Descriptor link{bpf_link_create(object.program(hook.program), folder.get(), hook.type, nullptr)};
  if (link) return pin_link(link, pin);
  if (errno == EPERM) {
    return fail(
        "{}: a program that allows no other beside it is attached to this cgroup or one above it "
        "(bpftool cgroup tree shows it)",
        cgroup);
  }
  return fail("{}: cannot attach {}: {}", cgroup, hook.program, reason(errno));
}

}  // namespace

std::span<const char> clients_image() {
  std::size_t size = 0;
  const void* bytes = realserver_clients__elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

Result<std::string> find_cgroup(const std::string& given) {
  struct statfs about {};
  if (!given.empty()) {
    if (statfs(given.c_str(), &about) != 0) return fail("--cgroup {}: {}", given, reason(errno));
    if (about.f_type != static_cast<decltype(about.f_type)>(CGROUP2_SUPER_MAGIC)) {
      return fail("--cgroup {}: not a folder of cgroup version 2", given);
    }
    return given;
  }
  std::unique_ptr<FILE, int (*)(FILE*)> mounts{setmntent("/proc/self/mounts", "re"), endmntent};
  while (const auto* mount = mounts ? getmntent(mounts.get()) : nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    if (std::string_view{mount->mnt_type} == "cgroup2") return std::string{mount->mnt_dir};
  }
  return fail("cgroup version 2 is mounted nowhere; do: mount -t cgroup2 none /sys/fs/cgroup, or name it by --cgroup");
}

Result<> show_clients(const fs::path& pin_dir, const Wanted& wanted) {
  const auto folder = folder_of(pin_dir);
  const auto object = Object::load(clients_image(), "realserver_clients", folder);
  if (!object) return object.error();
  std::set<Key> sources;
  for (const auto& prefix : wanted.trust) sources.insert(prefix_key(prefix));
  if (auto done = set_keys(object->map("client_sources"), sources); !done) return done;
  const auto cgroup = cgroup_id(wanted.cgroup);
  for (const auto& hook : hooks) {
    const auto pin = folder / hook.pin;
    if (is_attached(pin, cgroup)) {
      if (auto done = update_link(pin, object->program(hook.program)); !done) return done;
      continue;
    }
    remove_link(pin);  // on another cgroup
    if (auto done = attach(*object, hook, wanted.cgroup, pin); !done) return done;
  }
  return {};
}

void stop_showing_clients(const fs::path& pin_dir) { remove_pins(folder_of(pin_dir)); }

void find_clients(const fs::path& pin_dir, const std::string& cgroup, Found& found) {
  std::error_code ignored;
  found.client_pins = fs::exists(folder_of(pin_dir), ignored);
  const auto id = cgroup_id(cgroup);
  found.clients_attached =
      std::ranges::all_of(hooks, [&](const Hook& hook) { return is_attached(folder_of(pin_dir) / hook.pin, id); });
}

void count_clients(const fs::path& pin_dir, Counters& counters) {
  const auto counts = read_pinned_counters(folder_of(pin_dir) / "client_counts", layout::CLIENT_COUNT);
#define X(id, words) counters.clients.push_back({#id, words, counts[layout::CLIENT_##id]});
  CLIENT_COUNTS(X)
#undef X
}

}  // namespace ballast::realserver
