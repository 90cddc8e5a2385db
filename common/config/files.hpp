#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace ballast::config {

/// How the reader comes by files: the machine's, or none at all in a fuzzer.
class Files {
 public:
  virtual ~Files() = default;
  /// A regular file's content; an error in words otherwise.
  [[nodiscard]] virtual Result<std::string> read(const std::filesystem::path& path) const = 0;
  /// The files that a glob pattern names, sorted.
  [[nodiscard]] virtual std::vector<std::filesystem::path> glob(const std::string& pattern) const = 0;
  /// Group or others may read it.
  [[nodiscard]] virtual bool is_open_to_others(const std::filesystem::path& path) const = 0;
};

/// The files of this machine; regular files of up to 256 MiB.
class MachineFiles : public Files {
 public:
  [[nodiscard]] Result<std::string> read(const std::filesystem::path& path) const override;
  [[nodiscard]] std::vector<std::filesystem::path> glob(const std::string& pattern) const override;
  [[nodiscard]] bool is_open_to_others(const std::filesystem::path& path) const override;
};

}  // namespace ballast::config
