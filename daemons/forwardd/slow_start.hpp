#pragma once
// slow_start: a server that comes up gets its weight little by little, so that caches fill and connections are spread
// before it has its full share. Pure.
#include "daemons/forwardd/desired.hpp"

namespace ballast::forwardd {

/// Takes note of how a server is, where there is a slow start. Only who was down before begins to rise: not who is seen
/// for the first time, nor who was drained, which has its connections still.
void remember(const net::Endpoint& which, bus::ServerStatus status, config::Duration slow_start, double now,
              const Memory& past, Memory& memory);

/// Gives servers that rise a part of their weight: a tenth at once, then in proportion to the time. Where a weight is
/// too small to be divided, all weights of the service are multiplied meanwhile; `reports` show them undivided.
/// Schedulers that know no weights, and those for which weights mean something else (sh, dh: a place in the table; fo,
/// ovf: an order), have no slow start. When to call again; none: nothing rises.
std::optional<double> slow_down(const config::VirtualServer& service, const Memory& memory, double now,
                                std::vector<DesiredServer>& servers, std::vector<bus::ServiceServer>& reports);

}  // namespace ballast::forwardd
