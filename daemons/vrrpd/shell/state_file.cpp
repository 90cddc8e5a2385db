#include "daemons/vrrpd/shell/state_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace ballast::vrrpd {
namespace {

constexpr auto state_name = "vrrpd.state";
constexpr auto model_name = "vrrpd.config.json";
constexpr auto alive_name = "vrrpd.alive";
constexpr std::uintmax_t max_file = 64U << 20;

std::string reason() { return std::generic_category().message(errno); }

template <class T>
Result<T> read_json(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return fail("{}: {}", file.string(), error.message());
  if (size > max_file) return fail("{}: larger than {} bytes", file.string(), max_file);
  std::ifstream stream{file};
  try {
    return nlohmann::json::parse(stream).get<T>();
  } catch (const nlohmann::json::exception& exception) {
    return fail("{}: {}", file.string(), exception.what());
  }
}

/// Writes all of it and closes; the descriptor is gone afterwards.
bool write_and_close(int fd, std::string_view text) {
  bool good = true;
  while (good && !text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    good = written > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return close(fd) == 0 && good;
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
  json = {{"boot_id", value.boot_id}, {"time", value.time}, {"instances", value.instances}};
}
void from_json(const nlohmann::json& json, SavedState& value) {
  json.at("boot_id").get_to(value.boot_id);
  json.at("time").get_to(value.time);
  json.at("instances").get_to(value.instances);
}

std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id;
}

Result<> write_json(const std::filesystem::path& file, const nlohmann::json& value) {
  const auto beside = file.string() + ".new";
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return fail("cannot write {}: {}", beside, reason());
  if (!write_and_close(fd, value.dump())) return fail("cannot write {}: {}", beside, reason());
  if (rename(beside.c_str(), file.c_str()) != 0) return fail("cannot write {}: {}", file.string(), reason());
  return {};
}

Result<SavedState> read_state(const std::filesystem::path& run_dir) {
  auto state = read_json<SavedState>(run_dir / state_name);
  if (state && state->boot_id != boot_id())
    return fail("{} is from before the last boot", (run_dir / state_name).string());
  return state;
}

Result<> write_state(const std::filesystem::path& run_dir, const SavedState& state) {
  return write_json(run_dir / state_name, state);
}

Result<config::Model> read_model(const std::filesystem::path& run_dir) {
  return read_json<config::Model>(run_dir / model_name);
}

Result<> write_model(const std::filesystem::path& run_dir, const config::Model& model) {
  return write_json(run_dir / model_name, model);
}

Result<SignOfLife> SignOfLife::open(const std::filesystem::path& run_dir) {
  const auto file = run_dir / alive_name;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return fail("cannot open {}: {}", file.string(), reason());
  void* where = MAP_FAILED;
  if (ftruncate(fd, sizeof(std::int64_t)) == 0) {
    where = mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  const auto why = reason();
  close(fd);
  if (where == MAP_FAILED) return fail("cannot map {}: {}", file.string(), why);
  return SignOfLife{static_cast<std::int64_t*>(where)};
}

SignOfLife::SignOfLife(SignOfLife&& other) noexcept : where_{std::exchange(other.where_, nullptr)} {}
SignOfLife& SignOfLife::operator=(SignOfLife&& other) noexcept {
  std::swap(where_, other.where_);
  return *this;
}
SignOfLife::~SignOfLife() {
  if (where_ != nullptr) munmap(where_, sizeof *where_);
}

void SignOfLife::give(TimePoint now) {
  std::atomic_ref{*where_}.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

TimePoint SignOfLife::last() const {
  return TimePoint{Duration{std::atomic_ref{*where_}.load(std::memory_order_relaxed)}};
}

}  // namespace ballast::vrrpd
