// What the Node is asked about changes of the configuration in force: make them, undo them, write them down.
#include <algorithm>

#include "common/config/load.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"
#include "daemons/ballastd/node.hpp"

namespace ballast::ballastd {

namespace asio = boost::asio;
using config::AmendKind;
using nlohmann::json;

namespace {

constexpr const char* save_name = "ballast-changes.conf";
constexpr const char* save_title =
    "# Written by `ballastctl … --save`, and anew each time: what the rest of the configuration is amended by.\n";

const config::VirtualServer& service_of(const config::Model& model, const std::string& name) {
  return *std::ranges::find(model.virtual_servers, name, &config::VirtualServer::name);
}

/// The server that is meant by an endpoint, or by an address that only one has.
Result<net::Endpoint> find_server(const config::VirtualServer& service, const std::string& typed) {
  if (const auto endpoint = net::Endpoint::parse(typed)) return *endpoint;
  const auto address = net::IpAddress::parse(typed);
  if (!address) return fail("'{}' is no server: expected ADDRESS:PORT", typed);
  std::vector<net::Endpoint> found;
  for (const auto& server : service.real_servers) {
    if (server.endpoint.address == *address) found.push_back(server.endpoint);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return fail("no server {} in {}", *address, service.name);
  return fail("{} servers of {} are at {}: say the port", found.size(), service.name, *address);
}

/// What a new server is like: the one that is named, else the first one, else what those of a source are like.
Result<config::RealServer> model_server(const config::VirtualServer& service, const std::string& like) {
  if (like.empty() && !service.real_servers.empty()) return service.real_servers.front();
  if (like.empty() && !service.sources.empty()) return service.sources.front().like;
  if (like.empty()) return fail("{} has no server that a new one could be like", service.name);
  const auto endpoint = find_server(service, like);
  if (!endpoint) return endpoint.error();
  const auto found = std::ranges::find(service.real_servers, *endpoint, &config::RealServer::endpoint);
  if (found == service.real_servers.end()) return fail("no server {} in {} to be like", *endpoint, service.name);
  return *found;
}

Result<config::Amendment> new_server(const config::VirtualServer& service, const json& params) {
  const auto like = model_server(service, params.value("like", std::string{}));
  if (!like) return like.error();
  const auto typed = params.at("server").get<std::string>();
  auto endpoint = net::Endpoint::parse(typed);
  if (!endpoint) {
    const auto address = net::IpAddress::parse(typed);
    if (!address) return fail("'{}' is no server: expected ADDRESS:PORT", typed);
    const auto port =
        like->endpoint.address.is_unspecified() ? service.sources.front().query.port : like->endpoint.port;
    endpoint = net::Endpoint{*address, port};
  }
  auto made = config::instantiate(*like, *endpoint);
  if (const auto weight = params.find("weight"); weight != params.end()) weight->get_to(made.weight);
  return config::Amendment{
      .kind = AmendKind::add_server, .service = service.name, .server = *endpoint, .real_server = std::move(made)};
}

Result<std::vector<config::Amendment>> new_services(const config::Model& model, const json& params, json& reply) {
  auto loaded = config::load_services(params.at("text").get<std::string>(),
                                      params.value("name", std::string{"(standard input)"}), model.global);
  reply["diagnostics"] = loaded.diagnostics;
  if (!loaded.ok()) return fail("the services have errors; nothing was changed");
  std::vector<config::Amendment> made;
  for (const auto& service : loaded.model.virtual_servers) {
    made.push_back({.kind = AmendKind::add_service, .service = service.name, .server = {}, .virtual_server = service});
  }
  if (made.empty()) return fail("there is no virtual_server in it");
  return made;
}

/// Why a change that changes nothing is none.
Result<> refuse_idle(const config::Amendment& amendment) {
  switch (amendment.kind) {
    case AmendKind::add_server:
      return fail("server {} is in {} already", amendment.server, amendment.service);
    case AmendKind::remove_server:
      return fail("no server {} in {}", amendment.server, amendment.service);
    case AmendKind::add_service:
      return fail("service {} exists already", amendment.service);
    case AmendKind::remove_service:
      return fail("no service {}", amendment.service);
    case AmendKind::server_weight:
      return {};
  }
  return {};
}

std::string subject_of(const config::Amendment& amendment) {
  return config::is_about_server(amendment.kind) ? amendment.server.to_string() : amendment.service;
}

/// All that has just been asked for can be.
Result<> check_fates(const Effective& result, const ChangeStore& changes, std::uint64_t first) {
  for (const auto& fate : result.changes) {
    if (fate.number < first) continue;
    if (fate.fate == Fate::impossible) return fail("{}", fate.why);
    if (fate.fate == Fate::applied) continue;
    if (const auto idle = refuse_idle(changes.find(fate.number)->amendment); !idle) return idle;
  }
  return {};
}

}  // namespace

void Node::request_change(const bus::Request& request, const Answer& answer) {
  // What cannot be read is an exception here, where the caller answers it.
  const bool lasts = request.params.value("for", 0.0) <= 0;
  const bool undo = request.method == "undo";
  if (request.params.value("save", false) && !lasts)
    return answer(fail("what is saved has no end: leave out one of them"));
  if (undo && !request.params.value("all", false)) static_cast<void>(request.params.at("number").get<std::uint64_t>());
  const auto shared = std::make_shared<bus::Request>(request);
  intend([this, shared, answer,
          undo] { return undo ? undo_now(std::move(*shared), answer) : change_now(std::move(*shared), answer); },
         answer);
}

/// What is asked for. `reply` gets the diagnostics of a text.
Result<std::vector<config::Amendment>> Node::amendments_of(const json& params, json& reply) const {
  try {
    const auto kind = params.at("kind").get<AmendKind>();
    if (kind == AmendKind::add_service) return new_services(*model_, params, reply);
    const auto name = config::find_service(*model_, params.at("service").get<std::string>());
    if (!name) return name.error();
    config::Amendment made{.kind = kind, .service = *name, .server = {}};
    if (kind == AmendKind::remove_service) return std::vector{made};
    const auto& service = service_of(*model_, *name);
    if (kind == AmendKind::add_server) {
      const auto added = new_server(service, params);
      if (!added) return added.error();
      return std::vector{*added};
    }
    const auto server = find_server(service, params.at("server").get<std::string>());
    if (!server) return server.error();
    made.server = *server;
    if (kind == AmendKind::server_weight) params.at("weight").get_to(made.weight);
    return std::vector{made};
  } catch (const json::exception& exception) {
    return fail("'change' cannot be read: {}", exception.what());
  }
}

asio::awaitable<void> Node::change_now(bus::Request request, Answer answer) {
  json reply{{"ok", false}, {"diagnostics", json::array()}};
  const auto refuse = [&](const std::string& why) {
    reply["error"] = why;
    answer(reply);
  };
  const auto asked = amendments_of(request.params, reply);
  if (!asked) co_return refuse(asked.error().message);
  const auto seconds = request.params.value("for", 0.0);
  const bool save = request.params.value("save", false);
  const auto now = runtime::unix_time();
  auto changes = changes_;
  std::optional<std::uint64_t> first;
  for (const auto& amendment : *asked) {
    const auto number = changes.add({.number = 0,
                                     .amendment = amendment,
                                     .by = request.user,
                                     .since = now,
                                     .until = seconds > 0 ? now + seconds : 0,
                                     .saved = save});
    if (number && !first) first = number;
  }
  if (changes.changes().size() > ChangeStore::most)
    co_return refuse(fmt::format("{} changes are too many: save them, or undo some", ChangeStore::most));
  auto next = plan(file_, std::move(changes), found_);
  if (first) {
    const auto checked = check_fates(next.result, next.changes, *first);
    if (!checked) co_return refuse(checked.error().message);
  }
  const auto outcome = co_await put_in_force(std::move(next), {.keep = true, .always = false});
  if (!outcome) co_return refuse(outcome.error().message);
  for (const auto& line : *outcome) log::info("change: {}", line);
  auto& what = reply["what"] = json::array();
  for (const auto& amendment : *asked) {
    const auto line = fmt::format("{}: {}", amendment.service, config::in_words(amendment));
    what.push_back(line);
    if (outcome->empty()) continue;
    tell("notice", "service", subject_of(amendment),
         fmt::format("{} by {}{}", line, request.user, seconds > 0 ? fmt::format(", for {:.0f} s", seconds) : ""));
  }
  reply["ok"] = true;
  reply["changed"] = !outcome->empty();
  if (save) {
    const auto text = text_to_save(*asked);
    reply["save"] = text ? *text : json{{"error", text.error().message}};
  }
  answer(reply);
}

asio::awaitable<void> Node::undo_now(bus::Request request, Answer answer) {
  auto changes = changes_;
  std::vector<bus::Change> undone;
  if (request.params.value("all", false)) {
    undone = changes.changes();
    changes.clear();
  } else {
    auto one = changes.undo(request.params.at("number").get<std::uint64_t>());
    if (!one) co_return answer(one.error());
    undone.push_back(std::move(*one));
  }
  auto next = plan(file_, std::move(changes), found_);
  const auto outcome = co_await put_in_force(std::move(next), {.keep = true, .always = false});
  if (!outcome) co_return answer(outcome.error());
  for (const auto& change : undone) {
    tell("notice", "service", subject_of(change.amendment),
         fmt::format("{}: {}: undone by {}", change.amendment.service, config::in_words(change.amendment),
                     request.user));
  }
  answer(json{{"ok", true}, {"undone", undone}, {"changed", *outcome}});
}

/// The file that holds all saved changes: what makes of the configuration without it the one with what is saved, those
/// of `now` too. Made of the files as they are, whether they have been loaded or not.
Result<json> Node::text_to_save(const std::vector<config::Amendment>& now) const {
  const auto config = std::filesystem::absolute(options_.config);
  const auto file = config.parent_path() / save_name;
  auto whole = config::load_file(config, load_options());
  auto [without, includes_it] = config::load_file_with(config, file, "", load_options());
  if (!whole.ok() || !without.ok())
    return fail("{} has errors: `ballastctl check {}` tells which", config.string(), config.string());
  auto wanted = std::move(whole.model);
  for (const auto& change : changes_.changes()) {
    if (!change.saved || change.until > 0) continue;
    if (const auto amended = config::amend(wanted, change.amendment); !amended)
      log::warning("{}: {} is not saved: {}", change.amendment.service, config::in_words(change.amendment),
                   amended.error().message);
  }
  for (const auto& amendment : now) {
    if (const auto amended = config::amend(wanted, amendment); !amended) return amended.error();
  }
  const auto made = config::difference(without.model, wanted);
  if (!made) return made.error();
  const auto text = save_title + config::print(*made, wanted.global);
  if (includes_it) {
    const auto again = config::load_file_with(config, file, text, load_options()).loaded;
    const auto rest = config::difference(again.model, wanted);
    if (!again.ok() || !rest || !rest->empty())
      return fail("{} would not say what is wanted: change {} by hand", file.string(), config.string());
  }
  return json{{"config", config.string()},
              {"file", file.string()},
              {"text", text},
              {"included", includes_it},
              {"line", fmt::format("include {}", save_name)}};
}

}  // namespace ballast::ballastd
