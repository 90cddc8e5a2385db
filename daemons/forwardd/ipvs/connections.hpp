#pragma once
// A line of /proc/net/ip_vs_conn. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "daemons/forwardd/engine.hpp"

namespace ballast::forwardd::ipvs {

struct ConnectionLine {
  std::string protocol;  ///< `tcp`
  net::Endpoint client;
  net::Endpoint virtual_endpoint;
  net::Endpoint server;
  std::string state;     ///< as the kernel has it: ESTABLISHED, SYN_RECV, NONE of templates of persistence
  unsigned expires = 0;  ///< seconds from now
};

/// None: it is the heading, or cut off, or of another form.
std::optional<ConnectionLine> read_connection(std::string_view line);

}  // namespace ballast::forwardd::ipvs
