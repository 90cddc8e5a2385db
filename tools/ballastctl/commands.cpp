#include "tools/ballastctl/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <thread>

#include "common/runtime/clock.hpp"
#include "tools/ballastctl/duration.hpp"
#include "tools/ballastctl/lists.hpp"
#include "tools/ballastctl/session.hpp"
#include "tools/ballastctl/top.hpp"

namespace ballast::ctl {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{"localhost"};
}

// One answer of T's as an array, printed as JSON or as a table.
template <class T, class Render>
int print_list(const Options& options, const std::string& to, const std::string& method, nlohmann::json params,
               Render render) {
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request(to, method, std::move(params));
  if (!reply) return complain(reply.error().message, failed);
  const auto values = bus::decode<std::vector<T>>(*reply);
  if (!values)
    return complain(fmt::format("{}'s answer to '{}' cannot be read: {}", to, method, values.error().message), failed);
  if (options.json)
    fmt::print("{}\n", reply->dump(2));
  else
    fmt::print("{}", render(*values, options.colours));
  return ok;
}

Sources ask_all(Session& session) {
  Sources sources{host_name(), session.topics(), std::nullopt, std::nullopt};
  if (sources.topics.contains("node/forwardd")) {
    if (const auto reply = session.request("forwardd", "services", nlohmann::json::object())) {
      if (auto services = bus::decode<std::vector<bus::ServiceState>>(*reply)) sources.fresh = std::move(*services);
    }
  }
  const auto service = sources.topics.lower_bound("service/");
  const bool has_services = service != sources.topics.end() && service->first.starts_with("service/");
  if (!sources.fresh && !has_services) {
    if (const auto reply = session.request("ballastd", "config", nlohmann::json::object())) {
      if (auto model = bus::decode<config::Model>(*reply)) sources.model = std::move(*model);
    }
  }
  return sources;
}

void print_event(const bus::Event& event, const Options& options) {
  if (options.json)
    fmt::print("{}\n", nlohmann::json(event).dump());
  else
    fmt::print("{}", render_event(event, options.colours));
  std::fflush(stdout);
}

void print_rates(const std::vector<ServiceRates>& rates, const Options& options) {
  constexpr auto clear = "\x1b[H\x1b[2J";
  if (options.json)
    fmt::print("{}\n", nlohmann::json(rates).dump());
  else
    fmt::print("{}{}", options.rounds == 0 && isatty(STDOUT_FILENO) == 1 ? clear : "",
               render_rates(rates, options.colours));
  std::fflush(stdout);
}

}  // namespace

int complain(const std::string& message, int exit_status) {
  fmt::print(stderr, "ballastctl: {}\n", message);
  return exit_status;
}

int status(const Options& options) {
  auto session = Session::open(options.run_dir, {"vrrp/", "health/", "service/", "node/", "admin/", "change/"});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto gathered = gather(ask_all(**session));
  if (options.json)
    fmt::print("{}\n", to_json(gathered).dump(2));
  else
    fmt::print("{}", render(gathered, runtime::unix_time(), options.colours));
  return ok;
}

int health(const Options& options) {
  auto session = Session::open(options.run_dir, {"health/", "admin/"});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto healths = values_of<bus::ServerHealth>((*session)->topics(), "health/");
  const auto admins = values_of<bus::ServerWord>((*session)->topics(), "admin/");
  if (options.json)
    fmt::print("{}\n", health_json(healths, admins).dump(2));
  else
    fmt::print("{}", render_health(healths, admins, runtime::unix_time(), options.colours));
  return ok;
}

int connections(const Options& options) {
  nlohmann::json params{{"limit", options.limit}};
  if (!options.service.empty()) params["service"] = options.service;
  if (!options.client.empty()) params["client"] = options.client;
  if (!options.server.empty()) params["server"] = options.server;
  return print_list<bus::Connection>(options, "forwardd", "connections", std::move(params), render_connections);
}

int drops(const Options& options) {
  return print_list<bus::DropCount>(options, "forwardd", "drops", nlohmann::json::object(), render_drops);
}

int trace(const Options& options) {
  const auto flags = parse_tcp_flags(options.flags);
  if (!flags) return complain(flags.error().message, wrong_usage);
  return print_list<bus::TraceStep>(options, "forwardd", "trace",
                                    {{"protocol", options.packet[0]},
                                     {"source", options.packet[1]},
                                     {"destination", options.packet[2]},
                                     {"flags", *flags}},
                                    render_trace);
}

int top(const Options& options) {
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  std::optional<Sample> before;
  for (unsigned round = 0; options.rounds == 0 || round <= options.rounds; ++round) {
    const auto reply = (*session)->request("forwardd", "services", nlohmann::json::object());
    if (!reply) return complain(reply.error().message, failed);
    auto services = bus::decode<std::vector<bus::ServiceState>>(*reply);
    if (!services) return complain("forwardd's answer cannot be read: " + services.error().message, failed);
    Sample now{runtime::unix_time(), std::move(*services)};
    if (before) print_rates(rates_between(*before, now), options);
    before = std::move(now);
    if (round != options.rounds || options.rounds == 0)
      std::this_thread::sleep_for(std::chrono::seconds{options.interval});
  }
  return ok;
}

int events(const Options& options) {
  // Events that come while the past is still being printed wait their turn.
  bool printing = false;
  std::vector<bus::Event> waiting;
  const auto live = [&](const bus::Event& event) {
    if (printing)
      print_event(event, options);
    else
      waiting.push_back(event);
  };
  const auto prefixes = options.follow ? std::vector<std::string>{"events"} : std::vector<std::string>{};
  auto session = Session::open(options.run_dir, prefixes, live);
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request("ballastd", "events", {{"limit", options.count}});
  if (!reply) return complain(reply.error().message, failed);
  const auto past = bus::decode<std::vector<bus::Event>>(*reply);
  if (!past) return complain("ballastd's events cannot be read: " + past.error().message, failed);
  for (const auto& event : *past) print_event(event, options);
  if (!options.follow) return ok;
  const double last = past->empty() ? 0 : past->back().time;
  for (const auto& event : waiting) {
    if (event.time > last) print_event(event, options);
  }
  printing = true;
  (*session)->follow();
  return ok;
}

int set_server(const Options& options, const std::string& action) {
  auto session = Session::open(options.run_dir, {"health/"});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto known = values_of<bus::ServerHealth>((*session)->topics(), "health/");
  const auto meant = match_servers(known, options.service, options.server);
  if (!meant) return complain(meant.error().message, failed);
  double seconds = 0;
  if (!options.duration.empty()) {
    const auto parsed = parse_duration(options.duration);
    if (!parsed) return complain("--for: " + parsed.error().message, wrong_usage);
    seconds = *parsed;
  }
  for (const auto& [service, server] : *meant) {
    const auto reply = (*session)->request(
        "ballastd", "server", {{"action", action}, {"service", service}, {"server", server}, {"for", seconds}});
    if (!reply) return complain(fmt::format("{}: server {}: {}", service, server, reply.error().message), failed);
    fmt::print("{}: server {}: {}\n", service, server, action);
  }
  return ok;
}

}  // namespace ballast::ctl
