#pragma once
#include <filesystem>
#include <optional>
#include <set>

#include "daemons/forwardd/ipvs/table.hpp"

namespace ballast::forwardd::ipvs {

/// What of IPVS is ours.
struct Ours {
  std::set<ServiceKey> services;
  bool sync_daemon = false;
  bool operator==(const Ours&) const = default;
};

/// A file that tells a forwardd after this one what is ours; nothing of others' is ever taken for it.
class Record {
 public:
  explicit Record(std::filesystem::path path) : path_{std::move(path)} {}

  [[nodiscard]] bool exists() const { return std::filesystem::exists(path_); }
  /// Nothing, with a warning, where the file cannot be read.
  [[nodiscard]] Ours load() const;
  /// Written anew, as a whole, when it is another than before.
  void save(const Ours& ours);
  void remove();

 private:
  std::filesystem::path path_;
  std::optional<Ours> saved_;
};

}  // namespace ballast::forwardd::ipvs
