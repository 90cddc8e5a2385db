// ballastctl failover and maintenance.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <map>
#include <thread>

#include "common/runtime/clock.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/duration.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr std::chrono::milliseconds glance{20};
constexpr std::chrono::seconds patience{130};  ///< three of the longest intervals of version 3

enum class Outcome : std::uint8_t { waiting, handed_over, nobody_there };

/// What became of one instance since the moment when it was told to yield.
Outcome outcome_of(const bus::VrrpState& state, double told) {
  if (state.state == bus::VrrpRole::master)
    return state.since > told && !state.reason.empty() ? Outcome::nobody_there : Outcome::waiting;
  const bool served = state.state == bus::VrrpRole::backup && state.master.empty();
  return served || state.holds_addresses ? Outcome::waiting : Outcome::handed_over;
}

std::map<std::string, bus::VrrpState> states(const Options& options) {
  std::map<std::string, bus::VrrpState> all;
  auto session = Session::open(options.run_dir, {"vrrp/"});
  if (!session) return all;
  for (auto& state : values_of<bus::VrrpState>((*session)->topics(), "vrrp/")) {
    auto name = state.name;
    all.insert_or_assign(std::move(name), std::move(state));
  }
  return all;
}

int say(const bus::VrrpState& state, Outcome outcome, bool was_master) {
  if (outcome == Outcome::nobody_there) {
    fmt::print("{}: nobody took over: MASTER here again, until another router of VRID {} is heard\n", state.name,
               state.vrid);
    return failed;
  }
  const auto who = state.master.empty() ? std::string{"another"} : state.master;
  fmt::print("{}: {} {}\n", state.name, state.state,
             was_master ? "here now, MASTER is " + who : "here as before, and stays so while another is there");
  return ok;
}

int await_handover(const Options& options, const std::vector<std::string>& instances,
                   const std::map<std::string, bus::VrrpState>& before, double told) {
  int status = ok;
  auto waiting = instances;
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!waiting.empty()) {
    const auto now = states(options);
    std::erase_if(waiting, [&](const std::string& name) {
      const auto found = now.find(name);
      if (found == now.end()) return true;
      const auto outcome = outcome_of(found->second, told);
      if (outcome == Outcome::waiting) return false;
      const auto old = before.find(name);
      const bool was_master = old != before.end() && old->second.state == bus::VrrpRole::master;
      status = std::max(status, say(found->second, outcome, was_master));
      return true;
    });
    if (waiting.empty()) break;
    if (std::chrono::steady_clock::now() > give_up)
      return complain(fmt::format("{}: no other router was heard", fmt::join(waiting, ", ")), failed);
    std::this_thread::sleep_for(glance);
  }
  return status;
}

/// No instance: all of them.
int hold(const Options& options, const std::string& instance, bool undo) {
  double seconds = 0;
  if (!options.duration.empty()) {
    const auto parsed = parse_duration(options.duration);
    if (!parsed) return complain("--for: " + parsed.error().message, wrong_usage);
    seconds = *parsed;
  }
  const auto before = states(options);
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto told = runtime::unix_time();
  const auto reply =
      (*session)->request("ballastd", "hold", {{"instance", instance}, {"for", seconds}, {"undo", undo}});
  if (!reply) return complain(reply.error().message, failed);
  const auto instances = reply->at("instances").get<std::vector<std::string>>();
  const bool changed = reply->at("changed").get<bool>();
  if (undo) {
    fmt::print("{}: {}\n", fmt::join(instances, ", "),
               changed ? "takes part again with its own priority" : "was not held back");
    return ok;
  }
  return await_handover(options, instances, before, told);
}

}  // namespace

int failover(const Options& options) { return hold(options, options.instance, options.undo); }

int maintenance(const Options& options, bool begins) { return hold(options, "", !begins); }

}  // namespace ballast::ctl
