#pragma once
#include "common/config/model.hpp"

namespace ballast::config {

void to_json(nlohmann::json& json, const VrrpScript& value);
void from_json(const nlohmann::json& json, VrrpScript& value);

}  // namespace ballast::config
