#pragma once
// FNAT: the programs that show clients' addresses to what runs in a cgroup.
#include <filesystem>
#include <span>

#include "common/result.hpp"
#include "tools/realserver/model.hpp"
#include "tools/realserver/report.hpp"

namespace ballast::realserver {

/// The compiled programs, for whoever loads them otherwise (tests).
std::span<const char> clients_image();

/// The root of cgroup v2, where no folder was given; else the folder, which must be of cgroup v2.
Result<std::string> find_cgroup(const std::string& given);

/// Attaches to the wanted cgroup; what is attached there already gets these programs without a gap.
Result<> show_clients(const std::filesystem::path& pin_dir, const Wanted& wanted);

void stop_showing_clients(const std::filesystem::path& pin_dir);

/// Fills in what is pinned and attached.
void find_clients(const std::filesystem::path& pin_dir, const std::string& cgroup, Found& found);

void count_clients(const std::filesystem::path& pin_dir, Counters& counters);

}  // namespace ballast::realserver
