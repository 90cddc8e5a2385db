#include "tools/realserver/record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "common/runtime/json_file.hpp"

namespace ballast::realserver {
namespace fs = std::filesystem;
namespace {

constexpr std::pair<Mode, const char*> mode_names[] = {{Mode::dr, "dr"}, {Mode::tun, "tun"}, {Mode::fnat, "fnat"}};

fs::path record_file(const fs::path& folder) { return folder / "state.json"; }

nlohmann::json to_json(const Wanted& wanted) {
  return {{"mode", name_of(wanted.mode)}, {"vips", wanted.vips},         {"interfaces", wanted.interfaces},
          {"trust", wanted.trust},        {"gue_port", wanted.gue_port}, {"cgroup", wanted.cgroup}};
}

Wanted wanted_from(const nlohmann::json& json) {
  Wanted wanted;
  const auto mode = mode_named(json.at("mode").get<std::string>());
  if (!mode) throw std::invalid_argument(mode.error().message);
  wanted.mode = *mode;
  json.at("vips").get_to(wanted.vips);
  json.at("interfaces").get_to(wanted.interfaces);
  json.at("trust").get_to(wanted.trust);
  json.at("gue_port").get_to(wanted.gue_port);
  json.at("cgroup").get_to(wanted.cgroup);
  return wanted;
}

Result<Record> load_from(const fs::path& file, const Place& place) {
  std::error_code error;
  if (!fs::exists(file, error) && !error) return Record{};
  const auto json = runtime::read_json(file);
  if (!json) return json.error();
  return from_json(*json, place, file.string());
}

}  // namespace

const char* name_of(Mode mode) {
  for (const auto& [each, name] : mode_names) {
    if (each == mode) return name;
  }
  return "?";
}

Result<Mode> mode_named(std::string_view name) {
  for (const auto& [mode, each] : mode_names) {
    if (name == each) return mode;
  }
  return fail("'{}' is no forwarding mode of a real server: there are dr, tun and fnat (nat needs no preparation)",
              name);
}

Result<Place> this_place() {
  Place place;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> place.boot;
  struct stat about {};
  if (stat("/proc/self/ns/net", &about) != 0) {
    return fail("/proc/self/ns/net: {}", std::generic_category().message(errno));
  }
  place.namespace_id = about.st_ino;
  return place;
}

nlohmann::json to_json(const Record& record, const Place& place) {
  auto settings = nlohmann::json::array();
  for (const auto& changed : record.settings) {
    settings.push_back({{"name", changed.name}, {"before", changed.before}, {"ours", changed.ours}});
  }
  nlohmann::json json{{"boot", place.boot}, {"network_namespace", place.namespace_id}, {"settings", settings}};
  if (record.wanted) json["wanted"] = to_json(*record.wanted);
  return json;
}

Result<Record> from_json(const nlohmann::json& json, const Place& place, const std::string& file) {
  try {
    if (json.at("boot").get<std::string>() != place.boot) return Record{};
    if (json.at("network_namespace").get<std::uint64_t>() != place.namespace_id) {
      return fail("{}: tells of another network namespace; give this one a --state-dir and a --pin-dir of its own",
                  file);
    }
    Record record;
    if (json.contains("wanted")) record.wanted = wanted_from(json["wanted"]);
    for (const auto& setting : json.at("settings")) {
      record.settings.push_back({setting.at("name"), setting.at("before"), setting.at("ours")});
      const auto& name = record.settings.back().name;
      if (!name.starts_with("net/ipv4/conf/") || name.find("..") != std::string::npos) {
        return fail("{}: '{}' is no setting of ballast-realserver's", file, name);
      }
    }
    return record;
  } catch (const std::exception& error) {
    return fail("{}: makes no sense: {}", file, error.what());
  }
}

StateFolder::StateFolder(fs::path file, Place place, int lock)
    : file_{std::move(file)}, place_{std::move(place)}, lock_{lock} {}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : file_{std::move(other.file_)}, place_{std::move(other.place_)}, lock_{std::exchange(other.lock_, -1)} {}

StateFolder::~StateFolder() {
  if (lock_ >= 0) close(lock_);
}

Result<StateFolder> StateFolder::hold(const fs::path& folder) {
  auto place = this_place();
  if (!place) return place.error();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("cannot make {}: {}", folder.string(), error.message());
  const auto name = folder / "lock";
  const int lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail("cannot open {}: {}", name.string(), std::generic_category().message(errno));
  StateFolder made{record_file(folder), std::move(*place), lock};
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) return fail("another ballast-realserver is at work in {}", folder.string());
  return made;
}

Result<Record> StateFolder::load() const { return load_from(file_, place_); }

Result<> StateFolder::store(const Record& record) const {
  return runtime::write_json(file_, to_json(record, place_), runtime::Durability::until_reboot);
}

void StateFolder::forget() const {
  std::error_code ignored;
  fs::remove(file_, ignored);
}

Result<Record> read_record(const fs::path& folder) {
  const auto place = this_place();
  if (!place) return place.error();
  return load_from(record_file(folder), *place);
}

}  // namespace ballast::realserver
