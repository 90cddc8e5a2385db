#pragma once
// The state file: what is wanted and which settings were changed. It is of one boot and one network namespace.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/result.hpp"
#include "tools/realserver/model.hpp"

namespace ballast::realserver {

const char* name_of(Mode mode);
Result<Mode> mode_named(std::string_view name);

/// Where and since when the kernel keeps what a record tells of.
struct Place {
  std::string boot;                ///< /proc/sys/kernel/random/boot_id
  std::uint64_t namespace_id = 0;  ///< inode of /proc/self/ns/net
};
Result<Place> this_place();

nlohmann::json to_json(const Record& record, const Place& place);
/// A record of an earlier boot is an empty one: the kernel forgot all of it. One of another network namespace, or one
/// that makes no sense, is an error that names the file.
Result<Record> from_json(const nlohmann::json& json, const Place& place, const std::string& file);

/// The state folder, held against every other ballast-realserver for as long as this lives.
class StateFolder {
 public:
  /// Makes the folder. Being held by another is an error.
  static Result<StateFolder> hold(const std::filesystem::path& folder);
  StateFolder(StateFolder&& other) noexcept;
  StateFolder& operator=(StateFolder&&) = delete;
  ~StateFolder();

  /// Empty where there is none.
  [[nodiscard]] Result<Record> load() const;
  [[nodiscard]] Result<> store(const Record& record) const;
  void forget() const;

 private:
  StateFolder(std::filesystem::path file, Place place, int lock);
  std::filesystem::path file_;
  Place place_;
  int lock_;
};

/// The record, read without holding the folder: for who only looks.
Result<Record> read_record(const std::filesystem::path& folder);

}  // namespace ballast::realserver
