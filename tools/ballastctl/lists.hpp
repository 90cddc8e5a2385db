#pragma once
// Renderings of what is a list: one structure each, text here, JSON by the message's own to_json.
#include <map>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "tools/ballastctl/status.hpp"

namespace ballast::ctl {

/// Every server's health with the reason, how long it is so, and an operator's word about it. `now` is unix time.
std::string render_health(const std::vector<bus::ServerHealth>& healths, const std::vector<bus::ServerWord>& admins,
                          double now, bool colours);
/// The same as JSON: an array of ServerHealth, each with `admin` where there is a word.
nlohmann::json health_json(const std::vector<bus::ServerHealth>& healths, const std::vector<bus::ServerWord>& admins);

std::string render_connections(const std::vector<bus::Connection>& connections, bool colours);
std::string render_drops(const std::vector<bus::DropCount>& drops, bool colours);

/// Steps of a trace, numbered.
std::string render_trace(const std::vector<bus::TraceStep>& steps, bool colours);

/// TCP flags from their letters: S, A, F, R.
Result<std::uint8_t> parse_tcp_flags(std::string_view letters);

/// One line, with the local time.
std::string render_event(const bus::Event& event, bool colours);

struct ServerName {
  std::string service;
  std::string server;
  bool operator==(const ServerName&) const = default;
};
/// The servers an operator means by `server` (with or without port), in all services or only in `service`. An error
/// names those there are.
Result<std::vector<ServerName>> match_servers(const std::vector<bus::ServerHealth>& known, const std::string& service,
                                              const std::string& server);

}  // namespace ballast::ctl
