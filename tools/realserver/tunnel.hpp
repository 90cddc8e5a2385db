#pragma once
// The XDP program that takes packets out of tunnels, on its interfaces.
#include <filesystem>
#include <functional>
#include <span>

#include "common/result.hpp"
#include "tools/realserver/model.hpp"
#include "tools/realserver/report.hpp"

namespace ballast::realserver {

/// The compiled program, for whoever loads it otherwise (tests).
std::span<const char> tunnel_image();

/// Attaches to the wanted interfaces, natively where the driver can; `warn` hears where it cannot. What is attached
/// already gets this program without a gap. Errors name the interface.
Result<> unwrap_tunnels(const std::filesystem::path& pin_dir, const Wanted& wanted,
                        const std::vector<netlink::Link>& links, const std::function<void(std::string)>& warn);

void stop_unwrapping(const std::filesystem::path& pin_dir, const std::vector<std::string>& interfaces, bool entirely);

/// Fills in what is attached to these interfaces, and what is pinned.
Result<> find_tunnels(const std::filesystem::path& pin_dir, const std::vector<std::string>& interfaces, Found& found);

void count_tunnels(const std::filesystem::path& pin_dir, Counters& counters);

}  // namespace ballast::realserver
