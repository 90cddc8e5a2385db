#include "tools/realserver/bpf.hpp"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "tools/realserver/layout.hpp"

namespace ballast::realserver {
namespace fs = std::filesystem;
namespace {

constexpr auto bpf_root = "/sys/fs/bpf";
constexpr std::pair<unsigned, unsigned> oldest_kernel{5, 18};  ///< IFA_PROTO, XDP programs that take long frames

/// What libbpf says while it loads, kept for the error's words; its last lines tell the reason.
std::string& libbpf_words() {
  static std::string words;
  return words;
}

int keep_words(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 1024> line{};
  const int length = vsnprintf(line.data(), line.size(), format, arguments);
  auto& words = libbpf_words();
  words += line.data();
  if (words.size() > 4096) words.erase(0, words.size() - 4096);
  return length;
}

bool is_bpf_file_system(const fs::path& path) {
  struct statfs about {};
  return statfs(path.c_str(), &about) == 0 && about.f_type == static_cast<decltype(about.f_type)>(BPF_FS_MAGIC);
}

fs::path existing_part(fs::path path) {
  std::error_code ignored;
  while (!path.empty() && path != path.root_path() && !fs::exists(path, ignored)) path = path.parent_path();
  return path;
}

bool is_pinned_well(const fs::path& pin, const bpf_map* wanted) {
  const Descriptor map{bpf_obj_get(pin.c_str())};
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  return map && bpf_obj_get_info_by_fd(map.get(), &info, &length) == 0 &&
         info.type == static_cast<std::uint32_t>(bpf_map__type(wanted)) && info.key_size == bpf_map__key_size(wanted) &&
         info.value_size == bpf_map__value_size(wanted) && info.max_entries == bpf_map__max_entries(wanted) &&
         info.map_flags == bpf_map__map_flags(wanted);
}

/// Asks libbpf to take the pinned map, or to pin a new one. One that does not fit makes room; its link is updated
/// later.
Result<> settle_map(bpf_map* map, const fs::path& folder) {
  if (bpf_map__is_internal(map)) return {};
  const auto pin = folder / bpf_map__name(map);
  std::error_code error;
  if (fs::exists(pin, error) && !is_pinned_well(pin, map)) fs::remove(pin, error);
  if (error) return fail("{}: {}", pin.string(), error.message());
  if (const int failed = bpf_map__set_pin_path(map, pin.c_str()); failed != 0) {
    return fail("cannot pin {}: {}", pin.string(), reason(failed));
  }
  return {};
}

template <class T>
void append_bytes(Key& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::set<Key> keys_of(int map, std::size_t key_size) {
  std::set<Key> keys;
  Key key;
  Key next(key_size, '\0');
  const void* previous = nullptr;
  while (bpf_map_get_next_key(map, previous, next.data()) == 0) {
    keys.insert(next);
    key = next;
    previous = key.data();
  }
  return keys;
}

}  // namespace

std::string reason(int error) { return std::generic_category().message(error < 0 ? -error : error); }

Result<> check_kernel() {
  utsname machine{};
  unsigned major = 0;
  unsigned minor = 0;
  if (uname(&machine) != 0 || std::sscanf(machine.release, "%u.%u", &major, &minor) != 2) return {};
  if (std::pair{major, minor} >= oldest_kernel) return {};
  return fail("Linux {}.{} or newer is needed; this is {}", oldest_kernel.first, oldest_kernel.second, machine.release);
}

Result<> prepare_pin_dir(const fs::path& pin_dir) {
  std::error_code error;
  if (!is_bpf_file_system(bpf_root) && pin_dir.string().starts_with(bpf_root) &&
      mount("bpf", bpf_root, "bpf", 0, "mode=0755") != 0) {
    return fail("cannot mount the BPF file system on {}: {}", bpf_root, reason(errno));
  }
  if (!is_bpf_file_system(existing_part(pin_dir))) {
    return fail("--pin-dir {} is not on a BPF file system; do: mount -t bpf bpf {}", pin_dir.string(), bpf_root);
  }
  fs::create_directories(pin_dir, error);
  if (error) return fail("cannot make {}: {}", pin_dir.string(), error.message());
  fs::permissions(pin_dir, fs::perms::owner_all, error);
  if (error) return fail("cannot make {} private: {}", pin_dir.string(), error.message());
  return {};
}

Result<Object> Object::load(std::span<const char> image, const char* name, const fs::path& folder) {
  libbpf_set_print(keep_words);
  libbpf_words().clear();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("cannot make {}: {}", folder.string(), error.message());
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
  Object object{bpf_object__open_mem(image.data(), image.size(), &options)};
  if (!object.object_) return fail("cannot read the BPF program: {}", reason(errno));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object.object_.get()) {
    if (auto settled = settle_map(map, folder); !settled) return settled.error();
  }
  if (const int failed = bpf_object__load(object.object_.get()); failed != 0) {
    return fail("the kernel does not take the BPF program: {}\n{}", reason(failed), libbpf_words());
  }
  return object;
}

int Object::program(const char* name) const {
  return bpf_program__fd(bpf_object__find_program_by_name(object_.get(), name));
}

int Object::map(const char* name) const { return bpf_object__find_map_fd_by_name(object_.get(), name); }

Result<> set_keys(int map, const std::set<Key>& keys) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(map, &info, &length) != 0) return fail("a BPF map tells nothing: {}", reason(errno));
  const auto present = keys_of(map, info.key_size);
  const std::uint8_t value = 1;
  for (const auto& key : keys) {
    if (present.contains(key)) continue;
    if (key.size() != info.key_size || info.value_size != sizeof value) return fail("map {}: wrong size", info.name);
    if (const int failed = bpf_map_update_elem(map, key.data(), &value, BPF_ANY); failed != 0) {
      return fail("cannot write to BPF map {}: {}", info.name, reason(failed));
    }
  }
  for (const auto& key : present) {
    if (keys.contains(key)) continue;
    if (const int failed = bpf_map_delete_elem(map, key.data()); failed != 0 && failed != -ENOENT) {
      return fail("cannot remove from BPF map {}: {}", info.name, reason(failed));
    }
  }
  return {};
}

Key address_key(const net::IpAddress& address) { return {address.mapped().begin(), address.mapped().end()}; }

Key prefix_key(const net::Prefix& prefix) {
  const std::uint32_t mapping = prefix.address.is_v4() ? 96 : 0;
  Key key;
  append_bytes(key, mapping + prefix.length);
  append_bytes(key, prefix.address.mapped());
  static_assert(sizeof(layout::prefix_key) == 20);
  return key;
}

std::vector<std::uint64_t> read_counters(int map, std::size_t count) {
  std::vector<std::uint64_t> sums(count);
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return sums;
  for (std::uint32_t index = 0; index < count; ++index) {
    std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
    if (bpf_map_lookup_elem(map, &index, values.data()) != 0) continue;
    for (const auto value : values) sums[index] += value;
  }
  return sums;
}

std::vector<std::uint64_t> read_pinned_counters(const fs::path& pin, std::size_t count) {
  const Descriptor map{bpf_obj_get(pin.c_str())};
  return map ? read_counters(map.get(), count) : std::vector<std::uint64_t>(count);
}

std::optional<LinkInfo> link_info(const fs::path& pin) {
  const Descriptor link{bpf_obj_get(pin.c_str())};
  bpf_link_info info{};
  std::uint32_t length = sizeof info;
  if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &length) != 0) return std::nullopt;
  LinkInfo made{.type = info.type, .program_id = info.prog_id};
  if (info.type == BPF_LINK_TYPE_XDP) made.interface = info.xdp.ifindex;
  if (info.type == BPF_LINK_TYPE_CGROUP) made.cgroup_id = info.cgroup.cgroup_id;
  return made;
}

Result<> update_link(const fs::path& pin, int program) {
  const Descriptor link{bpf_obj_get(pin.c_str())};
  const int failed = link ? bpf_link_update(link.get(), program, nullptr) : -errno;
  if (failed != 0) return fail("cannot swap the program under {}: {}", pin.string(), reason(failed));
  return {};
}

Result<> pin_link(const Descriptor& link, const fs::path& pin) {
  if (const int failed = bpf_obj_pin(link.get(), pin.c_str()); failed != 0) {
    return fail("cannot pin {}: {}", pin.string(), reason(failed));
  }
  return {};
}

void remove_link(const fs::path& pin) {
  const Descriptor link{bpf_obj_get(pin.c_str())};
  // A link whose interface or cgroup is gone has nothing to detach from.
  if (link) bpf_link_detach(link.get());
  std::error_code ignored;
  fs::remove(pin, ignored);
}

void remove_pins(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> links;
  for (const auto& entry : fs::directory_iterator{folder, ignored}) {
    if (entry.path().filename().string().starts_with(link_prefix)) links.push_back(entry.path());
  }
  for (const auto& link : links) remove_link(link);
  fs::remove_all(folder, ignored);
  fs::remove(folder.parent_path(), ignored);  // only where it is empty now
}

std::string program_words(std::uint32_t id) {
  const Descriptor program{bpf_prog_get_fd_by_id(id)};
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return fmt::format("id {}", id);
  return fmt::format("'{}' (id {})", std::string{info.name, strnlen(info.name, sizeof info.name)}, id);
}

std::uint32_t program_id(int program) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(program, &info, &length) == 0 ? info.id : 0;
}

}  // namespace ballast::realserver
