// ballastctl wait.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "common/runtime/clock.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/conditions.hpp"
#include "tools/ballastctl/duration.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr std::size_t recent_events = 1'000;

/// What the conditions ask for, and no more.
std::vector<std::string> prefixes_for(const std::vector<Condition>& conditions) {
  std::vector<std::string> all;
  const auto add = [&](std::initializer_list<const char*> prefixes) {
    for (const auto* prefix : prefixes) {
      if (std::ranges::find(all, prefix) == all.end()) all.emplace_back(prefix);
    }
  };
  for (const auto& condition : conditions) {
    switch (condition.kind) {
      case ConditionKind::instance:
        add({"vrrp/"});
        break;
      case ConditionKind::group:
        add({"vrrp-group/"});
        break;
      case ConditionKind::server:
        add({"service/", "health/", "admin/"});
        break;
      case ConditionKind::service:
        add({"service/"});
        break;
      case ConditionKind::ready:
        add({"node/", "vrrp/", "health/", "service/", "events"});
        break;
      case ConditionKind::reloaded:
        add({"events"});
    }
  }
  return all;
}

class Waiting {
 public:
  Waiting(const Options& options, std::vector<Condition> conditions)
      : options_{options}, conditions_{std::move(conditions)} {}

  int run(double timeout, double since) {
    const auto limit =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>{timeout});
    auto opened =
        Session::open(options_.run_dir, prefixes_for(conditions_), [this](const bus::Event& event) { note(event); });
    if (!opened) return complain(opened.error().message, no_ballastd);
    session_ = std::move(*opened);
    if (wants(ConditionKind::reloaded) && since > 0) look_back(runtime::unix_time() - since);
    if (session_->await([this] { return all_hold(); }, limit)) return ok;
    for (const auto& condition : conditions_) {
      if (const auto instead = unmet(condition, view())) complain(*instead, failed);
    }
    return failed;
  }

 private:
  [[nodiscard]] bool wants(ConditionKind kind) const {
    return std::ranges::find(conditions_, kind, &Condition::kind) != conditions_.end();
  }

  void note(const bus::Event& event) {
    if (!is_reload(event)) return;
    reloading_ = event;
    model_.reset();  // another one may be in force
  }

  void look_back(double from) {
    const auto reply = session_->request("ballastd", "events", {{"limit", recent_events}});
    const auto past = reply ? bus::decode<std::vector<bus::Event>>(*reply) : reply.error();
    if (!past) return;
    for (const auto& event : *past) {
      if (event.time >= from) note(event);
    }
  }

  [[nodiscard]] NodeView view() const {
    return {session_->topics(), model_ ? &*model_ : nullptr, reloading_ ? &*reloading_ : nullptr};
  }

  bool all_hold() {
    if (wants(ConditionKind::ready) && !model_) {
      if (const auto reply = session_->request("ballastd", "config", nlohmann::json::object())) {
        if (auto model = bus::decode<config::Model>(*reply)) model_ = std::move(*model);
      }
    }
    return std::ranges::none_of(conditions_, [this](const auto& each) { return unmet(each, view()).has_value(); });
  }

  const Options& options_;
  std::vector<Condition> conditions_;
  std::optional<config::Model> model_;
  std::optional<bus::Event> reloading_;
  std::unique_ptr<Session> session_;
};

}  // namespace

int wait(const Options& options) {
  auto conditions = parse_conditions(options.words);
  if (!conditions) return complain(conditions.error().message, wrong_usage);
  const auto timeout = parse_duration(options.timeout);
  if (!timeout) return complain("--timeout: " + timeout.error().message, wrong_usage);
  double since = 0;
  if (options.since != "0") {
    const auto parsed = parse_duration(options.since);
    if (!parsed) return complain("--since: " + parsed.error().message, wrong_usage);
    since = *parsed;
  }
  return Waiting{options, std::move(*conditions)}.run(*timeout, since);
}

}  // namespace ballast::ctl
