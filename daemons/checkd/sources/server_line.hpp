#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/model_sources.hpp"
#include "common/result.hpp"

namespace ballast::checkd {

/// Text from outside as it may be shown: short, and printable ASCII alone.
std::string shown(std::string_view text);

/// `ADDRESS[:PORT] [weight N]`; an IPv6 address with a port is [ADDRESS]:PORT. `port` is that of a server that names
/// none.
Result<config::FoundServer> parse_server(std::string_view text, std::uint16_t port);

/// One server a line, `#` begins a comment. A faulty line refuses the whole list: `/etc/servers:3: …`.
Result<std::vector<config::FoundServer>> parse_server_list(std::string_view text, std::string_view file,
                                                           std::uint16_t port);

}  // namespace ballast::checkd
