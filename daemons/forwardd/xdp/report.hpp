#pragma once
// What the data path tells: counters, connections, drops.
#include "daemons/forwardd/engine.hpp"
#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/mapped_array.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"
#include "daemons/forwardd/xdp/object.hpp"
#include "daemons/forwardd/xdp/planner.hpp"

namespace ballast::forwardd::xdp {

/// The name that IPVS's tools have for a state.
std::string_view state_name(std::uint8_t state);

/// Packets of one server, over all CPUs.
layout::server_stats sum(const std::vector<layout::server_stats>& per_cpu);

Result<ServerCounters> read_counters(const Object& object, const LoadTable& load, std::uint32_t server);

/// How many bits a server's failed_clients had, which are cleared.
unsigned take_failed_clients(const MappedArray<std::uint64_t>& failed_clients, std::uint32_t server);

/// One connection as a person reads it; none when it is stale or has expired.
std::optional<bus::Connection> describe(const layout::flow& flow, const Mirror& mirror, std::uint32_t now);

std::vector<bus::Connection> list_connections(const FlowTable& flows, const Mirror& mirror,
                                              const std::map<std::string, PlannedService>& services,
                                              const ConnectionFilter& filter);

std::vector<bus::DropCount> read_drops(const Object& object);
/// What befell packets and connections without a drop.
std::vector<bus::DropCount> read_events(const Object& object);
/// A reason's name and explanation, without a count.
bus::DropCount drop_text(std::uint32_t reason);

}  // namespace ballast::forwardd::xdp
