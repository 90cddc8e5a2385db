#include "daemons/checkd/rights.hpp"

#include <linux/capability.h>

#include <utility>

#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/checkd/ping_check.hpp"

namespace ballast::checkd {
namespace {

std::string need_of(const config::RealServer& server, bool ping4, bool ping6) {
  for (const auto& check : server.checks) {
    if (check.fwmark != 0) return fmt::format("fwmark {} of a check of {}", check.fwmark, check.target);
    const bool free = check.target.address.is_v4() ? ping4 : ping6;
    if (check.kind == config::CheckKind::ping && !free)
      return fmt::format("PING_CHECK of {} (no group of checkd's is in net.ipv4.ping_group_range)",
                         check.target.address);
  }
  return {};
}

}  // namespace

std::string needs_raw(const config::Model& model, bool ping4, bool ping6) {
  for (const auto& service : model.virtual_servers) {
    for (const auto& server : service.real_servers) {
      if (auto need = need_of(server, ping4, ping6); !need.empty()) return need;
    }
    for (const auto& source : service.sources) {
      if (auto need = need_of(source.like, ping4, ping6); !need.empty()) return need;
    }
  }
  return {};
}

void Rights::settle(const config::Model& model) {
  const auto need = needs_raw(model, may_use_ping_socket(net::Family::ipv4), may_use_ping_socket(net::Family::ipv6));
  const bool first = !std::exchange(settled_, true);
  const bool here = runtime::has_capability(CAP_NET_RAW);
  if (need.empty()) {
    if (!first) return;
    if (const auto done = runtime::keep_capabilities({}); !done) log::error("{}", done.error().message);
    return;
  }
  if (here) {
    if (first) log::notice("keeps CAP_NET_RAW for {}", need);
    return;
  }
  if (std::exchange(warned_, true)) return;
  log::warning("{} takes CAP_NET_RAW, which {}", need,
               first ? "is not there: start checkd as root or by its unit file"
                     : "was given up, as the first configuration did without: restart checkd");
}

}  // namespace ballast::checkd
