#pragma once
// What the data path would do with a packet, step by step: the very program, loaded once more over the same maps, with
// everything that changes something left out by the verifier (maps.h, `tracing`).
#include <map>
#include <string>
#include <vector>

#include "daemons/forwardd/engine.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"
#include "daemons/forwardd/xdp/object.hpp"
#include "daemons/forwardd/xdp/planner.hpp"

namespace ballast::forwardd::xdp {

/// The packet as a frame, with right checksums.
std::vector<std::uint8_t> frame_of(const TraceQuery& query);

/// One step in words. `services` names services by index.
std::string step_in_words(std::uint32_t step, std::uint32_t value, const Mirror& mirror,
                          const std::map<std::uint32_t, std::string>& services);

/// Sends the packet through. The maps keep what they have.
Result<std::vector<bus::TraceStep>> trace(const Object& object, const Mirror& mirror,
                                          const std::map<std::string, PlannedService>& services,
                                          const TraceQuery& query);

}  // namespace ballast::forwardd::xdp
