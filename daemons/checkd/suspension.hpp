#pragma once
#include <map>
#include <string>

#include "daemons/checkd/board.hpp"

namespace ballast::checkd {

/// Where the VIPs are, as vrrpd says: by instance.
using Roles = std::map<std::string, bus::VrrpState>;

/// The services with ha_suspend none of whose addresses is on this machine. An address that no instance has is
/// somebody else's business: its service is probed.
Suspended suspended_services(const config::Model& model, const Roles& roles);

}  // namespace ballast::checkd
