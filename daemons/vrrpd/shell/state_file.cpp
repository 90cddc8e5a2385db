#include "daemons/vrrpd/shell/state_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "common/runtime/json_file.hpp"

namespace ballast::vrrpd {
namespace {

constexpr auto state_name = "vrrpd.state";
constexpr auto model_name = "vrrpd.config.json";
constexpr auto alive_name = "vrrpd.alive";
std::string reason() { return std::generic_category().message(errno); }

template <class T>
Result<T> read(const std::filesystem::path& file) {
  const auto json = runtime::read_json(file);
  if (!json) return json.error();
  try {
    return json->get<T>();
  } catch (const nlohmann::json::exception& exception) {
    return fail("{}: {}", file.string(), exception.what());
  }
}

}  // namespace

void to_json(nlohmann::json& json, const SavedInstance& value) {
  json = {{"name", value.settings.name},
          {"role", value.role},
          {"since", value.since},
          {"source", value.source},
          {"settings", value.settings}};
}
void from_json(const nlohmann::json& json, SavedInstance& value) {
  json.at("role").get_to(value.role);
  json.at("since").get_to(value.since);
  value.source = json.at("source").get<std::optional<net::IpAddress>>();
  json.at("settings").get_to(value.settings);
}
void to_json(nlohmann::json& json, const SavedState& value) {
  auto tracks = nlohmann::json::array();
  for (const auto& [tracker, found] : value.tracks) {
    tracks.push_back(
        {{"kind", tracker.first}, {"name", tracker.second}, {"value", found.value}, {"reason", found.reason}});
  }
  json = {
      {"boot_id", value.boot_id}, {"time", value.time}, {"instances", value.instances}, {"tracks", std::move(tracks)}};
}
void from_json(const nlohmann::json& json, SavedState& value) {
  json.at("boot_id").get_to(value.boot_id);
  json.at("time").get_to(value.time);
  json.at("instances").get_to(value.instances);
  for (const auto& track : json.value("tracks", nlohmann::json::array())) {
    value.tracks.push_back({{track.at("kind").get<config::TrackKind>(), track.at("name").get<std::string>()},
                            {track.at("value").get<int>(), track.at("reason").get<std::string>()}});
  }
}

std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id;
}

Result<SavedState> read_state(const std::filesystem::path& run_dir) {
  auto state = read<SavedState>(run_dir / state_name);
  if (state && state->boot_id != boot_id())
    return fail("{} is from before the last boot", (run_dir / state_name).string());
  return state;
}

Result<> write_state(const std::filesystem::path& run_dir, const SavedState& state) {
  return runtime::write_json(run_dir / state_name, state, runtime::Durability::until_reboot);
}

Result<config::Model> read_model(const std::filesystem::path& run_dir) {
  return read<config::Model>(run_dir / model_name);
}

Result<> write_model(const std::filesystem::path& run_dir, const config::Model& model) {
  return runtime::write_json(run_dir / model_name, model, runtime::Durability::until_reboot);
}

Result<SignOfLife> SignOfLife::open(const std::filesystem::path& run_dir) {
  const auto file = run_dir / alive_name;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return fail("cannot open {}: {}", file.string(), reason());
  void* where = MAP_FAILED;
  if (ftruncate(fd, sizeof(Map)) == 0) {
    where = mmap(nullptr, sizeof(Map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  const auto why = reason();
  close(fd);
  if (where == MAP_FAILED) return fail("cannot map {}: {}", file.string(), why);
  return SignOfLife{static_cast<Map*>(where)};
}

SignOfLife::SignOfLife(SignOfLife&& other) noexcept : where_{std::exchange(other.where_, nullptr)} {}
SignOfLife& SignOfLife::operator=(SignOfLife&& other) noexcept {
  std::swap(where_, other.where_);
  return *this;
}
SignOfLife::~SignOfLife() {
  if (where_ != nullptr) munmap(where_, sizeof *where_);
}

namespace {

void store(std::int64_t& where, TimePoint when) {
  std::atomic_ref{where}.store(when.time_since_epoch().count(), std::memory_order_relaxed);
}
TimePoint load(std::int64_t& where) {
  return TimePoint{Duration{std::atomic_ref{where}.load(std::memory_order_relaxed)}};
}

}  // namespace

void SignOfLife::begin(TimePoint now) { store(where_->started, now); }
void SignOfLife::give(TimePoint now) { store(where_->last_sign, now); }
TimePoint SignOfLife::last() const { return load(where_->last_sign); }
runtime::Lives SignOfLife::lives() const {
  return {load(where_->started), load(where_->last_sign), load(where_->absent_since)};
}
void SignOfLife::set_absent_since(TimePoint when) { store(where_->absent_since, when); }

}  // namespace ballast::vrrpd
