#include <netinet/in.h>

#include "daemons/forwardd/ipvs/pause.hpp"

namespace ballast::forwardd::ipvs {

std::string pause_text(std::span<const ServiceKey> services) {
  std::string rules;
  for (const auto& service : services) {
    const bool six = service.family == net::Family::ipv6;
    std::string whose;
    if (service.fwmark != 0) {
      whose = fmt::format("meta nfproto {} meta mark {}", six ? "ipv6" : "ipv4", service.fwmark);
    } else if (service.protocol == IPPROTO_TCP) {
      whose = fmt::format("{} daddr {}", six ? "ip6" : "ip", service.endpoint.address);
      if (service.endpoint.port != 0) whose += fmt::format(" tcp dport {}", service.endpoint.port);
    } else {
      continue;
    }
    rules += fmt::format("    {} tcp flags & (fin | syn | rst | ack) == syn drop\n", whose);
  }
  if (rules.empty()) return {};
  // IPVS comes later in the same hook, with priority 98.
  return fmt::format(
      "table inet ballast_pause {{\n  flags owner\n  chain input {{\n    type filter hook input priority 0; policy "
      "accept;\n{}  }}\n}}\n",
      rules);
}

}  // namespace ballast::forwardd::ipvs
