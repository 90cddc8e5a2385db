#pragma once
// What outlives the process under the run directory: the state, the last configuration, and a sign of life.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/result.hpp"
#include "common/runtime/absence.hpp"
#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

struct SavedInstance {
  Role role = Role::init;
  double since = 0;                      ///< unix time of the last change of role
  std::optional<net::IpAddress> source;  ///< what it advertised from
  config::VrrpInstance settings;
};

struct SavedState {
  std::string boot_id;
  double time = 0;  ///< unix time of the writing
  std::vector<SavedInstance> instances;
  std::vector<std::pair<TrackKey, TrackValue>> tracks;  ///< what trackers last said
};
void to_json(nlohmann::json& json, const SavedInstance& value);
void from_json(const nlohmann::json& json, SavedInstance& value);
void to_json(nlohmann::json& json, const SavedState& value);
void from_json(const nlohmann::json& json, SavedState& value);

/// The kernel's random id of this boot; empty where there is none.
std::string boot_id();

/// `vrrpd.state`. Errors: not there, not readable, not valid JSON, of another boot.
Result<SavedState> read_state(const std::filesystem::path& run_dir);
Result<> write_state(const std::filesystem::path& run_dir, const SavedState& state);

/// `vrrpd.config.json`: the model last applied, for a start without the bus.
Result<config::Model> read_model(const std::filesystem::path& run_dir);
Result<> write_model(const std::filesystem::path& run_dir, const config::Model& model);

/// A shared memory map (`vrrpd.alive`): writing to it is a store, and it survives kill -9.
class SignOfLife {
 public:
  static Result<SignOfLife> open(const std::filesystem::path& run_dir);
  SignOfLife(SignOfLife&& other) noexcept;
  SignOfLife& operator=(SignOfLife&& other) noexcept;
  ~SignOfLife();

  void begin(TimePoint now);
  void give(TimePoint now);
  /// The last one, of this process or the one before; 0 when there was none.
  [[nodiscard]] TimePoint last() const;
  /// For who comes after a death.
  [[nodiscard]] runtime::Lives lives() const;
  void set_absent_since(TimePoint when);

 private:
  /// CLOCK_BOOTTIME in ns; an older vrrpd's file has the first alone.
  struct Map {
    std::int64_t last_sign;
    std::int64_t started;
    std::int64_t absent_since;
  };
  explicit SignOfLife(Map* where) : where_{where} {}
  Map* where_;
};

}  // namespace ballast::vrrpd
