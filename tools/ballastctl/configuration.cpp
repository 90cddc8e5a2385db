#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "common/config/compatibility.hpp"
#include "common/config/loader.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

config::LoadOptions load_options(const Options& options) {
  config::LoadOptions result;
  result.config_id = options.config_id;
  result.strict = options.strict;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != std::string::npos) {
      result.environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return result;
}

std::vector<std::string> interface_names() {
  std::vector<std::string> names;
  struct Free {
    void operator()(struct if_nameindex* list) const { if_freenameindex(list); }
  };
  const std::unique_ptr<struct if_nameindex, Free> list{if_nameindex()};
  for (const auto* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry) {
    names.emplace_back(entry->if_name);
  }
  return names;
}

void say(const std::vector<config::Diagnostic>& diagnostics) {
  for (const auto& diagnostic : diagnostics) fmt::print(stderr, "{}\n", config::render(diagnostic));
}

void print_model(const config::Model& model, bool json) {
  if (json)
    fmt::print("{}\n", nlohmann::json(model).dump(2));
  else
    fmt::print("{}", config::print(model));
}

std::string counted(std::ptrdiff_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

int check(const Options& options) {
  const auto loaded = config::load_file(options.file, load_options(options));
  auto diagnostics = loaded.diagnostics;
  for (auto& missing : config::check_machine(loaded, interface_names())) diagnostics.push_back(std::move(missing));
  if (options.json)
    fmt::print("{}\n", nlohmann::json(diagnostics).dump(2));
  else
    say(diagnostics);
  const auto errors = std::ranges::count(diagnostics, config::Severity::error, &config::Diagnostic::severity);
  const auto warnings = std::ssize(diagnostics) - errors;
  const auto verdict = errors + warnings == 0
                           ? std::string{"no fault"}
                           : fmt::format("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
  if (!options.json) fmt::print("{}: {}\n", options.file, verdict);
  return errors > 0 ? 2 : warnings > 0 ? 1 : 0;
}

int show_config(const Options& options) {
  if (!options.file.empty()) {
    const auto loaded = config::load_file(options.file, load_options(options));
    say(loaded.diagnostics);
    if (!loaded.ok()) return bad_configuration;
    print_model(options.secrets ? loaded.model : config::without_secrets(loaded.model), options.json);
    return ok;
  }
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request("ballastd", "config", nlohmann::json::object());
  if (!reply) return complain(reply.error().message, failed);
  const auto model = bus::decode<config::Model>(*reply);
  if (!model) return complain("ballastd's configuration cannot be read: " + model.error().message, failed);
  print_model(*model, options.json);
  return ok;
}

int keywords() {
  fmt::print("{}", config::compatibility_page());
  return ok;
}

}  // namespace ballast::ctl
