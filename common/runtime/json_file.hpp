#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/result.hpp"

namespace ballast::runtime {

/// A file's JSON. Errors name the file, also when there is none.
Result<nlohmann::json> read_json(const std::filesystem::path& file);

enum class Durability : std::uint8_t { until_reboot, power_loss };

/// Replaces a file as a whole: whoever reads it finds the old or the new one.
Result<> write_json(const std::filesystem::path& file, const nlohmann::json& value, Durability durability);

}  // namespace ballast::runtime
