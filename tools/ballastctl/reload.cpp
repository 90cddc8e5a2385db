// ballastctl reload, and what it would do.
#include <fmt/ranges.h>

#include <cstdio>

#include "common/config/loader.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr std::chrono::seconds patience{60};
constexpr int something_would_change = 1;

// ballastd's word: text, or a list of it.
std::vector<std::string> lines_of(const nlohmann::json& json, const char* field) {
  std::vector<std::string> lines;
  for (const auto& line : json.value(field, nlohmann::json::array())) {
    lines.push_back(line.is_string() ? line.get<std::string>() : line.dump());
  }
  return lines;
}

void say_diagnostics(const nlohmann::json& reply) {
  for (const auto& json : reply.value("diagnostics", nlohmann::json::array())) {
    const auto diagnostic = bus::decode<config::Diagnostic>(json);
    fmt::print(stderr, "{}\n", diagnostic ? config::render(*diagnostic) : json.dump());
  }
}

}  // namespace

int reload(const Options& options) {
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  auto params = nlohmann::json::object();
  if (options.dry_run) params["dry_run"] = true;
  const auto reply = (*session)->request("ballastd", "reload", std::move(params), patience);
  if (!reply) return complain(reply.error().message, bad_configuration);
  const bool accepted = reply->value("ok", false);
  const auto changed = lines_of(*reply, "changed");
  const auto forgotten = lines_of(*reply, "forgotten");
  const int done = options.dry_run && (!changed.empty() || !forgotten.empty()) ? something_would_change : ok;
  if (options.json) {
    fmt::print("{}\n", reply->dump(2));
    return accepted ? done : bad_configuration;
  }
  say_diagnostics(*reply);
  if (!accepted)
    return complain(reply->value("error", options.dry_run ? "the configuration has errors: a reload would be refused"
                                                          : "the configuration has errors; nothing was changed"),
                    bad_configuration);
  if (options.dry_run && !forgotten.empty())
    fmt::print("would be forgotten of what operators have changed:\n  {}\n", fmt::join(forgotten, "\n  "));
  if (changed.empty())
    fmt::print("{}\n", options.dry_run ? "nothing would change" : "reloaded: nothing has changed");
  else
    fmt::print("{}:\n  {}\n", options.dry_run ? "would change" : "reloaded", fmt::join(changed, "\n  "));
  return done;
}

}  // namespace ballast::ctl
