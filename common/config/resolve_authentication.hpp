#pragma once
#include "common/config/draft.hpp"
#include "common/config/source.hpp"

namespace ballast::config {

/// Fills in auth_pass and auth_hmac of an instance whose version and interval are known.
void resolve_authentication(Report& report, const InstanceDraft& draft, VrrpInstance& instance);

}  // namespace ballast::config
