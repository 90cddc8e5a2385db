#pragma once
#include "common/config/binder.hpp"

namespace ballast::config {

/// The checks of one server: what the checker, the real_server and the virtual_server say, in this order, and defaults.
/// `target`: where the server is probed when the checker does not say. The SMTP_CHECK of several hosts is several.
std::vector<Check> resolve_checks(Binder& binder, const ServiceDraft& service, const ServerDraft& server,
                                  const net::Endpoint& target);

}  // namespace ballast::config
