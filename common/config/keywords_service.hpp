#pragma once
#include "common/config/binder.hpp"

namespace ballast::config {

constexpr unsigned most_weight = 65'535;

/// 0, as no port at all: every port for a service, the service's for a server.
Result<unsigned> parse_port(std::string_view text);

/// The number behind `fwmark`, which is one of the words; an error is reported where there is none.
std::optional<At<unsigned>> read_mark(Binder& binder, const std::vector<Word>& words, std::size_t name);

/// The address and the port behind a keyword; neither if one is faulty.
void read_endpoint(Binder& binder, const Statement& statement, std::optional<At<net::IpAddress>>& address,
                   std::optional<At<unsigned>>& port);

}  // namespace ballast::config
