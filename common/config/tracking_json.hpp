#pragma once
#include "common/config/model.hpp"

namespace ballast::config {

void to_json(nlohmann::json& json, const VrrpScript& value);
void from_json(const nlohmann::json& json, VrrpScript& value);
void to_json(nlohmann::json& json, const Tracking& value);
void from_json(const nlohmann::json& json, Tracking& value);

}  // namespace ballast::config
