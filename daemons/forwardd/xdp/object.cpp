#include "daemons/forwardd/xdp/object.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <memory>

#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/layout.hpp"
#include "daemons/forwardd/xdp/program.hpp"

namespace ballast::forwardd::xdp {
namespace fs = std::filesystem;
namespace {

constexpr auto bpf_root = "/sys/fs/bpf";

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using OpenObject = std::unique_ptr<bpf_object, CloseObject>;

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

/// Where a path is not there yet, its nearest parent that is.
fs::path existing_part(fs::path path) {
  std::error_code ignored;
  while (!path.empty() && path != path.root_path() && !fs::exists(path, ignored)) path = path.parent_path();
  return path;
}

constexpr std::uint32_t least_services = 4096;
constexpr std::uint32_t least_servers = 16'384;

/// Those that are as large as `Sizes` says, and which of it.
struct SizedMap {
  std::string_view name;
  std::uint32_t Sizes::*size;
};
constexpr SizedMap sized_maps[] = {
    {"flows", &Sizes::connections},     {"returns", &Sizes::connections},    {"flow_details", &Sizes::connections},
    {"services", &Sizes::services},     {"service_index", &Sizes::services}, {"cursors", &Sizes::services},
    {"tables", &Sizes::services},       {"servers", &Sizes::servers},        {"server_extras", &Sizes::servers},
    {"server_load", &Sizes::servers},   {"census", &Sizes::servers},         {"server_stats", &Sizes::servers},
    {"failed_clients", &Sizes::servers}};

std::uint32_t entries_of(std::string_view map, const Sizes& sizes) {
  const auto flows = flow_sizes(sizes.connections);
  if (map == "flows") return flows.lines;
  if (map == "returns") return flow_sizes(connections_of(flows.lines)).return_lines;
  if (map == "flow_details") return connections_of(flows.lines);
  if (map == "service_index") return 2 * sizes.services;  // a VIP is one, too
  return sizes.*std::ranges::find(sized_maps, map, &SizedMap::name)->size;
}

bool is_sized(std::string_view map) { return std::ranges::count(sized_maps, map, &SizedMap::name) > 0; }

bool is_other(std::string_view map, const Sizes& before, const Sizes& after) {
  return is_sized(map) && entries_of(map, before) != entries_of(map, after);
}

Sizes sizes_of(const std::map<std::string, Map>& maps) {
  return {connections_of(maps.at("flows").info().max_entries), maps.at("services").info().max_entries,
          maps.at("servers").info().max_entries};
}

std::vector<bpf_map*> shared_maps(bpf_object* object) {
  std::vector<bpf_map*> maps;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (!bpf_map__is_internal(map)) maps.push_back(map);
  }
  return maps;
}

bool fits(const bpf_map* wanted, const Map& pinned) {
  const auto& info = pinned.info();
  return info.type == static_cast<std::uint32_t>(bpf_map__type(wanted)) && info.key_size == bpf_map__key_size(wanted) &&
         info.value_size == bpf_map__value_size(wanted) && info.map_flags == bpf_map__map_flags(wanted) &&
         (is_sized(pinned.name()) || info.max_entries == bpf_map__max_entries(wanted));
}

/// All the pinned maps, if every one is there and fits; else which does not.
Result<std::map<std::string, Map>> find_pinned(bpf_object* object, const fs::path& dir) {
  std::map<std::string, Map> found;
  for (bpf_map* wanted : shared_maps(object)) {
    const std::string name = bpf_map__name(wanted);
    const int fd = bpf_obj_get((dir / name).c_str());
    if (fd < 0) return fail("map {}: {}", name, reason(fd));
    auto map = Map::from(Descriptor{fd}, name);
    if (!map) return map.error();
    if (!fits(wanted, *map)) return fail("map {} has another shape", name);
    found.emplace(name, std::move(*map));
  }
  const auto sizes = sizes_of(found);
  for (const auto& [name, map] : found) {
    if (is_sized(name) && map.info().max_entries != entries_of(name, sizes))
      return fail("map {} has another size than those that belong to it", name);
  }
  return found;
}

void remove_pins(const fs::path& dir) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{dir, ignored}) {
    if (!entry.path().filename().string().starts_with("link_")) fs::remove(entry.path(), ignored);
  }
}

/// All but those that are to have another size.
Result<> reuse(bpf_object* object, const std::map<std::string, Map>& pinned, const Sizes& sizes) {
  const auto before = sizes_of(pinned);
  for (bpf_map* map : shared_maps(object)) {
    if (is_other(bpf_map__name(map), before, sizes)) continue;
    const auto& found = pinned.at(bpf_map__name(map));
    if (const int error = bpf_map__reuse_fd(map, found.fd()); error != 0) {
      return fail("cannot reuse pinned map {}: {}", found.name(), reason(error));
    }
  }
  return {};
}

/// Sizes the maps that are still to be made; constants that fit them.
Constants size_maps(bpf_object* object, const Sizes& sizes, const std::array<std::uint64_t, 2>& seed) {
  for (bpf_map* map : shared_maps(object)) {
    if (is_sized(bpf_map__name(map))) bpf_map__set_max_entries(map, entries_of(bpf_map__name(map), sizes));
  }
  return Constants{
      .seed = seed, .flow_lines = entries_of("flows", sizes), .return_lines = entries_of("returns", sizes)};
}

Result<> keep_seed(const Object& object, const Constants& constants) {
  layout::settings settings{};
  settings.seed[0] = constants.seed[0];
  settings.seed[1] = constants.seed[1];
  return object.maps.at("settings").put(std::uint32_t{0}, settings);
}

Result<Descriptor> duplicate(int fd, const char* what) {
  Descriptor copy{fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (!copy) return fail("cannot keep {}: {}", what, reason(errno));
  return copy;
}

Result<Descriptor> find_program(bpf_object* object, const char* name) {
  const bpf_program* program = bpf_object__find_program_by_name(object, name);
  if (program == nullptr) return fail("the BPF object has no program {}", name);
  return duplicate(bpf_program__fd(program), name);
}

/// What is needed further, so that libbpf's own copy of the object can be freed.
Result<Object> keep(bpf_object* object) {
  Object kept;
  for (bpf_map* map : shared_maps(object)) {
    auto fd = duplicate(bpf_map__fd(map), bpf_map__name(map));
    if (!fd) return fd.error();
    auto made = Map::from(std::move(*fd), bpf_map__name(map));
    if (!made) return made.error();
    kept.maps.emplace(made->name(), std::move(*made));
  }
  auto program = find_program(object, "ballast_xdp");
  if (!program) return program.error();
  auto sweep = find_program(object, "ballast_sweep");
  if (!sweep) return sweep.error();
  kept.program = std::move(*program);
  kept.sweep = std::move(*sweep);
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(kept.program.get(), &info, &length) == 0) kept.program_id = info.id;
  return kept;
}

Result<OpenObject> open_object() {
  libbpf_set_print(keep_words);
  libbpf_words().clear();
  const auto image = program_image();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "ballast");
  OpenObject object{bpf_object__open_mem(image.data(), image.size(), &options)};
  if (!object) return fail("cannot read the BPF program: {}", reason(errno));
  return object;
}

Result<Object> load(bpf_object* object, const Constants& constants) {
  if (auto set = set_constants(object, constants); !set) return set.error();
  if (const int error = bpf_object__load(object); error != 0) {
    return fail("the kernel does not take the BPF program: {}\n{}", reason(error), libbpf_words());
  }
  return keep(object);
}

Result<> pin_all(const Object& object, const fs::path& dir) {
  for (const auto& [name, map] : object.maps) {
    if (const int error = bpf_obj_pin(map.fd(), (dir / name).c_str()); error != 0) {
      return fail("cannot pin map {} at {}: {}", name, (dir / name).string(), reason(error));
    }
  }
  return {};
}

bool holds_pins(const fs::path& dir) {
  std::error_code ignored;
  return fs::exists(dir / "flows", ignored);
}

}  // namespace

Sizes sizes_for(std::uint32_t connections, std::size_t services, std::size_t servers) {
  const auto room = [](std::size_t count) { return static_cast<std::uint32_t>(std::bit_ceil(2 * count + 1)); };
  return {connections, std::max(least_services, room(services)), std::max(least_servers, room(servers))};
}

Sizes Object::sizes() const { return sizes_of(maps); }

Result<Constants> constants_of(const std::map<std::string, Map>& pinned) {
  const auto settings = pinned.at("settings").get<layout::settings>(0);
  if (!settings) return settings.error();
  return Constants{.seed = {settings->seed[0], settings->seed[1]},
                   .flow_lines = pinned.at("flows").info().max_entries,
                   .return_lines = pinned.at("returns").info().max_entries};
}

bus::Event engine_event(std::string severity, std::string subject, std::string message) {
  bus::Event event;
  event.kind = "engine";
  event.subject = std::move(subject);
  event.message = std::move(message);
  event.severity = std::move(severity);
  return event;
}

fs::path layout_dir(const fs::path& pin_dir) { return pin_dir / fmt::format("v{}", LAYOUT_VERSION); }

Result<> prepare_pin_dir(const fs::path& pin_dir) {
  std::error_code error;
  if (!is_bpf_file_system(bpf_root) && pin_dir.string().starts_with(bpf_root) && geteuid() == 0) {
    if (mount("bpf", bpf_root, "bpf", 0, "mode=0755") != 0) {
      return fail("cannot mount the BPF file system on {}: {}", bpf_root, reason(errno));
    }
  }
  if (!is_bpf_file_system(existing_part(pin_dir))) {
    return fail("--pin-dir {} is not on a BPF file system; do: mount -t bpf bpf {}", pin_dir.string(), bpf_root);
  }
  fs::create_directories(layout_dir(pin_dir), error);
  if (error) return fail("cannot make {}: {}", layout_dir(pin_dir).string(), error.message());
  fs::permissions(pin_dir, fs::perms::owner_all, error);
  if (error) return fail("cannot make {} private: {}", pin_dir.string(), error.message());
  return {};
}

Result<Object> load_object(const fs::path& pin_dir, const Sizes& sizes, const Tell& tell) {
  const auto dir = layout_dir(pin_dir);
  auto object = open_object();
  if (!object) return object.error();
  auto pinned = find_pinned(object->get(), dir);
  const auto seed = draw_seed();
  if (!seed) return seed.error();
  const auto constants = pinned ? constants_of(*pinned) : size_maps(object->get(), sizes, *seed);
  if (!constants) return constants.error();
  if (pinned) {
    if (auto reused = reuse(object->get(), *pinned, sizes_of(*pinned)); !reused) return reused.error();
  } else {
    if (holds_pins(dir)) {
      tell(engine_event("warning", dir.string(),
                        fmt::format("the pinned maps are not used, and new ones replace them: {}; "
                                    "connections start anew",
                                    pinned.error().message)));
    }
    remove_pins(dir);
  }
  auto kept = load(object->get(), *constants);
  if (!kept) return kept;
  kept->adopted = pinned.has_value();
  if (!kept->adopted) {
    if (auto done = keep_seed(*kept, *constants); !done) return done.error();
    if (auto done = pin_all(*kept, dir); !done) return done.error();
  }
  return kept;
}

Result<Object> load_resized(const Object& from, const Sizes& sizes) {
  auto object = open_object();
  if (!object) return object.error();
  const auto before = constants_of(from.maps);
  if (!before) return before.error();
  const auto constants = size_maps(object->get(), sizes, before->seed);
  if (auto reused = reuse(object->get(), from.maps, sizes); !reused) return reused.error();
  auto kept = load(object->get(), constants);
  if (kept) kept->adopted = from.adopted;
  return kept;
}

Result<> pin_resized(const Object& object, const Sizes& before, const fs::path& pin_dir) {
  const auto now = object.sizes();
  for (const auto& [name, map] : object.maps) {
    if (!is_other(name, before, now)) continue;
    const auto pin = layout_dir(pin_dir) / name;
    const auto beside = layout_dir(pin_dir) / (name + "_new");
    std::error_code error;
    fs::remove(beside, error);
    if (const int failed = bpf_obj_pin(map.fd(), beside.c_str()); failed != 0) {
      return fail("cannot pin map {} at {}: {}", name, beside.string(), reason(failed));
    }
    fs::rename(beside, pin, error);
    if (error) return fail("cannot pin map {} at {}: {}", name, pin.string(), error.message());
  }
  return {};
}

void remove_other_layouts(const fs::path& pin_dir, const Tell& tell) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{pin_dir, ignored}) {
    if (!entry.path().filename().string().starts_with('v') || entry.path() == layout_dir(pin_dir)) continue;
    tell(engine_event(
        "warning", entry.path().string(),
        fmt::format("the data path had layout {} and has {} now: its maps are replaced, connections start anew",
                    entry.path().filename().string(), layout_dir(pin_dir).filename().string())));
    fs::remove_all(entry.path(), ignored);
  }
}

Result<> remove_everything(const fs::path& pin_dir) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator{pin_dir, error}) {
    if (!entry.path().filename().string().starts_with("link_")) continue;
    const Descriptor link{bpf_obj_get(entry.path().c_str())};
    // A link whose interface is gone has nothing to detach from.
    if (link) bpf_link_detach(link.get());
  }
  fs::remove_all(pin_dir, error);
  if (error) return fail("cannot remove {}: {}", pin_dir.string(), error.message());
  return {};
}

}  // namespace ballast::forwardd::xdp
