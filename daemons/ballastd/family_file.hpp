#pragma once
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace ballast::ballastd {

/// A daemon that ballastd has started, named so that its successor finds it and no other process.
struct MemberRecord {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks after boot
  std::vector<std::string> arguments;
};

/// `<run-dir>/family.json`: who runs, written before a daemon does its first step.
class FamilyFile {
 public:
  /// Reads what a predecessor left; records of an earlier boot, or a file that cannot be read, count for nothing.
  explicit FamilyFile(const std::filesystem::path& run_dir);

  [[nodiscard]] const std::map<std::string, MemberRecord>& records() const { return records_; }
  Result<> set(const std::string& role, MemberRecord record);
  Result<> erase(const std::string& role);

 private:
  [[nodiscard]] Result<> write() const;

  std::filesystem::path file_;
  std::map<std::string, MemberRecord> records_;
};

}  // namespace ballast::ballastd
