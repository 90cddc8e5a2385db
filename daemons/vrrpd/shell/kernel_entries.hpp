#pragma once
// The configuration's routes, rules and addresses as the kernel takes them. Pure.
#include <functional>
#include <optional>
#include <string>

#include "common/config/model.hpp"
#include "common/netlink/route_entry.hpp"
#include "common/netlink/types.hpp"
#include "common/result.hpp"

namespace ballast::vrrpd {

/// An interface's index by its name; none: there is no such interface.
using FindLink = std::function<std::optional<int>(const std::string& name)>;

/// Errors: an interface that is not there.
Result<netlink::RouteEntry> to_entry(const config::Route& route, const FindLink& find_link);
netlink::RuleEntry to_entry(const config::Rule& rule);

/// An address that moves (`deprecated`: never chosen by itself as a source, unless it says otherwise) or is static.
netlink::Address to_kernel(const config::VirtualAddress& address, int link, bool deprecated);

}  // namespace ballast::vrrpd
