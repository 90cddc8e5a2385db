#pragma once
// What instances depend on besides their links: scripts, files, processes, services, routes and gateways.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::config {

enum class TrackKind : std::uint8_t { script, file, process, service, route, gateway };
constexpr auto enum_names(TrackKind*) {
  using enum TrackKind;
  using std::pair;
  using std::string_view;
  return std::array{pair{script, string_view{"script"}},   pair{file, string_view{"file"}},
                    pair{process, string_view{"process"}}, pair{service, string_view{"service"}},
                    pair{route, string_view{"route"}},     pair{gateway, string_view{"gateway"}}};
}

/// One line of track_script, track_file, …
struct Track {
  TrackKind kind{};
  std::string name;  ///< of the definition; of a service VirtualServer::name
  int weight = 0;    ///< 0: FAULT while it is down (of a file: while its number is not 0)
  bool reverse = false;
  bool operator==(const Track&) const = default;
};

/// vrrp_track_file: a number in a file.
struct TrackedFile {
  std::string name;
  std::string path;
  std::optional<int> initial;  ///< written where the file is missing
  bool overwrite = false;      ///< and where it is not
  bool operator==(const TrackedFile&) const = default;
};

/// How the arguments of a process are compared with the configured ones.
enum class ArgumentMatch : std::uint8_t { exact, partial, initial };
constexpr auto enum_names(ArgumentMatch*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{ArgumentMatch::exact, string_view{"exact"}},
                    pair{ArgumentMatch::partial, string_view{"partial"}},
                    pair{ArgumentMatch::initial, string_view{"initial"}}};
}

/// vrrp_track_process: how many processes run.
struct TrackedProcess {
  std::string name;
  std::vector<std::string> words;  ///< the process's name, then its arguments
  bool full_command = false;       ///< the first word is that of the command line, not the kernel's name of the process
  std::optional<ArgumentMatch> arguments;  ///< none: `exact` if there are any, else they do not matter
  unsigned quorum = 1;
  std::optional<unsigned> quorum_max;
  std::chrono::microseconds fork_delay{0};       ///< up only after so long
  std::chrono::microseconds terminate_delay{0};  ///< down only after so long
  bool operator==(const TrackedProcess&) const = default;
};

/// A route of the main table.
struct TrackedRoute {
  std::string name;
  net::Prefix destination;
  std::optional<net::IpAddress> gateway;
  bool operator==(const TrackedRoute&) const = default;
};

/// A neighbour that answers ARP or neighbour solicitations.
struct TrackedGateway {
  std::string name;
  net::IpAddress address;
  std::string interface;
  bool operator==(const TrackedGateway&) const = default;
};

struct Tracking {
  std::vector<TrackedFile> files;
  std::vector<TrackedProcess> processes;
  std::vector<TrackedRoute> routes;
  std::vector<TrackedGateway> gateways;
  bool operator==(const Tracking&) const = default;
};

}  // namespace ballast::config
