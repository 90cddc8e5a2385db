// What the Node is asked to do: reload, drain and enable servers, tell its configuration and its events.
#include <algorithm>
#include <array>

#include "common/runtime/clock.hpp"
#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/systemd.hpp"
#include "daemons/ballastd/model_diff.hpp"
#include "daemons/ballastd/node.hpp"

namespace ballast::ballastd {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> not_for_readers{"change", "reload", "save", "undo"};

Error not_allowed(const bus::Request& request) {
  return fail("user {} may look but not change: be root or in the group ballast-admin", request.user);
}

void say_reloading() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC, as sd_notify(3) asks
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  runtime::notify_systemd(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds).c_str());
}

std::string counted(std::size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Topics that a daemon publishes of this configuration.
std::vector<std::string> topics_of(const config::Model& model) {
  std::vector<std::string> result;
  for (const auto& instance : model.vrrp_instances) result.push_back("vrrp/" + instance.name);
  for (const auto& group : model.vrrp_sync_groups) result.push_back("vrrp-group/" + group.name);
  for (const auto& script : model.vrrp_scripts) result.push_back("script/" + script.name);
  for (const auto& service : model.virtual_servers) {
    result.push_back("service/" + service.name);
    for (const auto& server : service.real_servers) {
      result.push_back(fmt::format("health/{}/{}", service.name, server.endpoint));
    }
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace

void Node::request(bus::Request request) {
  auto& broker = server_->broker();
  Result<json> result =
      fail("ballastd has no request '{}', expected change, changes, config, events, hold, reload, save, server or undo",
           request.method);
  const auto answer = [&broker, from = request.from, id = request.id](const Result<json>& said) {
    broker.reply(from, id, said);
  };
  try {
    if (!request.may_change && std::ranges::find(not_for_readers, request.method) != not_for_readers.end()) {
      result = not_allowed(request);
    } else if (request.method == "config") {
      result = json(config::without_secrets(*model_));
    } else if (request.method == "events") {
      result = json(broker.events(request.params.value("limit", bus::EventRing::capacity)));
    } else if (request.method == "server") {
      result = change_server(request);
    } else if (request.method == "hold") {
      result = change_hold(request);
    } else if (request.method == "changes") {
      result = json(changes_.changes());
    } else if (request.method == "save") {
      result = text_to_save({});
    } else if (request.method == "reload" && request.params.value("dry_run", false)) {
      result = dry_run();
    } else if (request.method == "reload") {
      return reload(request.user, answer);
    } else if (request.method == "change" || request.method == "undo") {
      return request_change(request, answer);
    }
  } catch (const json::exception& exception) {
    result = fail("'{}' cannot be read: {}", request.method, exception.what());
  }
  answer(result);
}

Result<json> Node::change_server(const bus::Request& request) {
  if (!request.may_change) return not_allowed(request);
  const auto action = request.params.at("action").get<std::string>();
  bus::ServerWord word;
  request.params.at("service").get_to(word.service);
  request.params.at("server").get_to(word.server);
  word.by = request.user;
  word.since = runtime::unix_time();
  if (const auto seconds = request.params.value("for", 0.0); seconds > 0 && action != "enable")
    word.until = word.since + seconds;
  const auto before = admin_;
  const auto change = admin_.apply(*model_, action, std::move(word));
  if (!change) return change.error();
  const auto& said = change->word;
  if (!change->changed) return json{{"changed", false}};
  if (const auto kept = runtime::write_json(admin_file(), admin_.to_json(), runtime::Durability::power_loss); !kept) {
    admin_ = before;
    return fail("it would not outlive a restart, so it is not done: {}", kept.error().message);
  }
  const auto topic = admin_topic(said);
  if (change->undone)
    server_->broker().withdraw(topic);
  else
    server_->broker().publish(topic, said);
  const char* done = change->undone ? "enabled" : said.state == bus::AdminState::drain ? "drained" : "disabled";
  tell("notice", "service", said.server,
       fmt::format("{}: server {} {} by {}", said.service, said.server, done, request.user));
  await_ends();
  return json{{"changed", true}};
}

void Node::reload(const std::string& by, Answer answer) {
  intend([this, by, answer] { return reload_now(by, answer); }, answer);
}

boost::asio::awaitable<void> Node::reload_now(std::string by, Answer answer) {
  say_reloading();
  auto loaded = load();
  json reply{{"ok", loaded.ok()}, {"diagnostics", loaded.diagnostics}};
  if (!loaded.ok()) {
    const auto errors = std::ranges::count(loaded.diagnostics, config::Severity::error, &config::Diagnostic::severity);
    reload_failed(
        fmt::format("{} has {}", options_.config.string(), counted(static_cast<std::size_t>(errors), "error")));
    answer(reply);
    co_return;
  }
  auto next = plan(std::make_shared<config::Model>(std::move(loaded.model)), changes_, found_);
  const auto outcome = co_await put_in_force(std::move(next), {.keep = false, .always = true});
  reply["ok"] = outcome.has_value();
  if (!outcome) {
    reload_failed(outcome.error().message);
    reply["error"] = outcome.error().message + "; nothing was changed";
    answer(reply);
    co_return;
  }
  runtime::notify_systemd("READY=1");
  for (const auto& line : *outcome) log::info("reload: {}", line);
  tell("notice", "config", "",
       fmt::format("configuration reloaded ({}): {}", by,
                   outcome->empty() ? "nothing has changed" : counted(outcome->size(), "change")));
  reply["changed"] = *outcome;
  answer(reply);
}

/// What a reload would do, as far as ballastd can tell; nothing is changed.
json Node::dry_run() const {
  auto loaded = config::load_file(options_.config, load_options());
  json reply{{"ok", loaded.ok()}, {"dry_run", true}, {"diagnostics", loaded.diagnostics}};
  if (!loaded.ok()) return reply;
  const auto next = plan(std::make_shared<config::Model>(std::move(loaded.model)), changes_, found_);
  reply["changed"] = diff(*model_, *next.result.model);
  auto& forgotten = reply["forgotten"] = json::array();
  for (const auto& fate : next.result.changes) {
    const auto* change = changes_.find(fate.number);
    if (fate.fate != Fate::impossible || change == nullptr) continue;
    forgotten.push_back(
        fmt::format("{}: {}: {}", change->amendment.service, config::in_words(change->amendment), fate.why));
  }
  return reply;
}

void Node::reload_failed(const std::string& why) {
  runtime::notify_systemd("READY=1");
  tell("error", "config", "", fmt::format("reload refused: {}; nothing was changed", why));
}

/// Words and states of what the configuration has no more. A daemon that runs withdraws its own.
void Node::forget_what_is_gone() {
  auto& broker = server_->broker();
  const auto forgotten = admin_.forget_unknown(*model_);
  for (const auto& word : forgotten) {
    log::notice("{}: server {} is no longer configured: what {} said of it is forgotten", word.service, word.server,
                word.by);
    broker.withdraw(admin_topic(word));
  }
  if (!forgotten.empty()) {
    const auto kept = runtime::write_json(admin_file(), admin_.to_json(), runtime::Durability::power_loss);
    if (!kept) log::error("{}", kept.error().message);
  }
  end_holds();
  std::vector<std::string> known;
  for (const std::string role : {"vrrpd", "scriptd", "checkd", "forwardd"}) {
    if (broker.is_connected(role)) continue;
    if (known.empty()) known = topics_of(*model_);
    for (const auto& prefix : bus::prefixes_of(role)) {
      for (const auto& topic : broker.retained().below(prefix)) {
        if (!std::ranges::binary_search(known, topic)) broker.withdraw(topic);
      }
    }
  }
}

}  // namespace ballast::ballastd
