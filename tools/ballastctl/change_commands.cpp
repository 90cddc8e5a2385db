// ballastctl server add|remove|weight, service add|remove, changes: operation without touching the file.
#include <fmt/ranges.h>

#include <cstdio>

#include "common/bus/change.hpp"
#include "common/config/loader.hpp"
#include "common/runtime/clock.hpp"
#include "tools/ballastctl/changes.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/duration.hpp"
#include "tools/ballastctl/saved_file.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr std::chrono::seconds patience{60};               // all daemons are asked
constexpr std::size_t most_text = std::size_t{512} << 10;  // a frame of ours may have 1 MiB

void say(const nlohmann::json& diagnostics) {
  for (const auto& json : diagnostics) {
    const auto diagnostic = bus::decode<config::Diagnostic>(json);
    fmt::print(stderr, "{}\n", diagnostic ? config::render(*diagnostic) : json.dump());
  }
}

/// Writes down what ballastd says the file is to hold.
int keep(const nlohmann::json& save) {
  if (const auto error = save.find("error"); error != save.end())
    return complain("in force, but not saved: " + error->get<std::string>(), failed);
  const auto file = save.at("file").get<std::string>();
  const auto config = save.at("config").get<std::string>();
  if (const auto written = replace_file(file, save.at("text").get<std::string>(), config); !written)
    return complain("in force, but not saved: " + written.error().message, failed);
  fmt::print("saved in {}\n", file);
  if (!save.at("included").get<bool>())
    fmt::print("{} does not include it; add as its last line: {}\n", config, save.at("line").get<std::string>());
  return ok;
}

int change(const Options& options, config::AmendKind kind, nlohmann::json params) {
  params["kind"] = kind;
  params["save"] = options.save;
  if (!options.duration.empty()) {
    const auto seconds = parse_duration(options.duration);
    if (!seconds) return complain("--for: " + seconds.error().message, wrong_usage);
    params["for"] = *seconds;
  }
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request("ballastd", "change", std::move(params), patience);
  if (!reply) return complain(reply.error().message, failed);
  say(reply->value("diagnostics", nlohmann::json::array()));
  if (!reply->value("ok", false)) return complain(reply->value("error", "refused"), failed);
  if (!reply->value("changed", false)) fmt::print("it is so already\n");
  for (const auto& line : reply->at("what")) fmt::print("{}\n", line.get<std::string>());
  const auto save = reply->find("save");
  return save == reply->end() ? ok : keep(*save);
}

}  // namespace

int add_server(const Options& options) {
  nlohmann::json params{{"service", options.service}, {"server", options.server}};
  if (options.weight) params["weight"] = *options.weight;
  if (!options.like.empty()) params["like"] = options.like;
  return change(options, config::AmendKind::add_server, std::move(params));
}

int remove_server(const Options& options) {
  return change(options, config::AmendKind::remove_server, {{"service", options.service}, {"server", options.server}});
}

int weigh_server(const Options& options) {
  return change(options, config::AmendKind::server_weight,
                {{"service", options.service}, {"server", options.server}, {"weight", options.weight.value_or(0)}});
}

int add_service(const Options& options) {
  const auto text = read_text(options.file, most_text);
  if (!text) return complain(text.error().message, failed);
  return change(options, config::AmendKind::add_service,
                {{"text", *text}, {"name", options.file == "-" ? "(standard input)" : options.file}});
}

int remove_service(const Options& options) {
  return change(options, config::AmendKind::remove_service, {{"service", options.service}});
}

int changes(const Options& options) {
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request("ballastd", "changes", nlohmann::json::object());
  if (!reply) return complain(reply.error().message, failed);
  const auto all = bus::decode<std::vector<bus::Change>>(*reply);
  if (!all) return complain("ballastd's changes cannot be read: " + all.error().message, failed);
  if (options.json)
    fmt::print("{}\n", reply->dump(2));
  else
    fmt::print("{}", render_changes(*all, runtime::unix_time(), options.colours));
  return ok;
}

int undo_changes(const Options& options) {
  nlohmann::json params{{"all", true}};
  if (options.number != "all") {
    const bool digits = !options.number.empty() && options.number.size() < 19 &&
                        options.number.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) return complain(fmt::format("'{}' is neither a change's number nor all", options.number), wrong_usage);
    params = {{"number", std::stoull(options.number)}};
  }
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, no_ballastd);
  const auto reply = (*session)->request("ballastd", "undo", std::move(params), patience);
  if (!reply) return complain(reply.error().message, failed);
  const auto undone = bus::decode<std::vector<bus::Change>>(reply->at("undone"));
  if (!undone) return complain("ballastd's answer cannot be read: " + undone.error().message, failed);
  if (undone->empty()) fmt::print("there was nothing to undo\n");
  for (const auto& each : *undone) {
    fmt::print("undone: {}: {}\n", each.amendment.service, what(each));
    if (each.saved) fmt::print("  it was saved: a reload may bring it back; look into ballast-changes.conf\n");
  }
  return ok;
}

}  // namespace ballast::ctl
