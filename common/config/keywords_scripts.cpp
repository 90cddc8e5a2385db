// Programs: what a priority depends on, and what runs when a role changes.
#include <algorithm>

#include "common/config/command.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view command_syntax = "\"PROGRAM ARGUMENTS\" [USER [GROUP]]";
constexpr int most_weight = 253;
constexpr unsigned most_results = 1'000'000;
constexpr std::size_t most_words = 1'000;

void set_user(std::string& user, std::string& group, const Statement& statement, std::size_t from) {
  user = statement.words.size() > from ? statement.words[from].text : "";
  group = statement.words.size() > from + 1 ? statement.words[from + 1].text : "";
}

/// `"program arguments" [user [group]]`
template <class Access>
Value command(Access access) {
  return {std::string{command_syntax}, 1, 3, [=](Binder& binder, const Statement& statement) {
            auto words = read<std::vector<std::string>>(binder, statement.words[1], split_command);
            if (!words) return;
            Command& made = access(binder);
            made.words = std::move(*words);
            set_user(made.user, made.group, statement, 2);
          }};
}

// script "program arguments", or the words as they are
void set_script(Binder& binder, const Statement& statement) {
  auto& words = binder.script().command.words;
  if (statement.words.size() == 2) {
    if (auto cut = read<std::vector<std::string>>(binder, statement.words[1], split_command)) words = std::move(*cut);
    return;
  }
  words.clear();
  for (std::size_t i = 1; i < statement.words.size(); ++i) words.push_back(statement.words[i].text);
}

// weight NUMBER [reverse]
void set_weight(Binder& binder, const Statement& statement) {
  auto& script = binder.script();
  const auto parse = [](std::string_view text) { return parse_integer(text, -most_weight, most_weight); };
  if (const auto weight = read<int>(binder, statement.words[1], parse)) script.weight = *weight;
  script.reverse = statement.words.size() > 2 && statement.words[2].text == "reverse";
  if (statement.words.size() > 2 && !script.reverse) {
    binder.report().error(statement.words[2].at, fmt::format("'{}' is not reverse", shorten(statement.words[2].text)));
  }
}

void open_script(Binder& binder, const Statement& statement) {
  ScriptDraft draft;
  draft.name.at = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
  draft.script.name = draft.name.value;
  binder.draft().scripts.push_back(std::move(draft));
}

void add_vrrp_script_keywords(Table& table) {
  using enum Context;
  const auto own = member_of(&Binder::script);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {vrrp_script}, std::move(value), doc);
  };
  table.block("vrrp_script", top, vrrp_script, custom("NAME", 1, 1, open_script),
              "A program that runs again and again; exit status 0 is up.");
  add("script", custom("\"PROGRAM ARGUMENTS\"", 1, most_words, set_script), "What runs, without a shell.");
  add("interval", seconds(10ms, 86'400s, own(&VrrpScript::interval)), "From one run to the next; default 1.");
  add("timeout", seconds(0s, 86'400s, own(&VrrpScript::timeout)),
      "Then it is killed and has failed; default: the interval.");
  add("weight", custom("NUMBER [reverse]", 1, 2, set_weight),
      "-253 to 253, of those who track it and do not say; 0 (default): its failure is FAULT.");
  add("rise", number(1, most_results, own(&VrrpScript::rise)), "Successes in a row until it is up; default 1.");
  add("fall", number(1, most_results, own(&VrrpScript::fall)), "Failures in a row until it is down; default 1.");
  add("user",
      custom("USER [GROUP]", 1, 2,
             [](Binder& binder, const Statement& statement) {
               set_user(binder.script().command.user, binder.script().command.group, statement, 1);
             }),
      "Who runs it; default: script_user.");
  add("init_fail", boolean(own(&VrrpScript::init_fail)), "Down until it has succeeded rise times.");
}

void set_deleted(Binder& binder, const Statement& statement) {
  auto& notify = binder.notify();
  notify.says_deleted = true;
  if (statement.words.size() == 1) return;
  auto words = read<std::vector<std::string>>(binder, statement.words[1], split_command);
  if (!words) return;
  notify.deleted.words = std::move(*words);
  set_user(notify.deleted.user, notify.deleted.group, statement, 2);
}

void add_notify_keywords(Table& table) {
  using enum Context;
  const auto own = [](Command Notify::*member) {
    return [=](Binder& binder) -> Command& { return binder.notify().*member; };
  };
  const auto add = [&](std::string_view name, Command Notify::*member, std::string_view doc) {
    table.value(name, {vrrp_instance, vrrp_sync_group}, command(own(member)), doc);
  };
  add("notify_master", &Notify::master, "Runs on becoming MASTER.");
  add("notify_backup", &Notify::backup, "Runs on becoming BACKUP.");
  add("notify_fault", &Notify::fault, "Runs on FAULT.");
  add("notify_stop", &Notify::stop, "Runs when vrrpd is stopped.");
  add("notify", &Notify::any, "Runs after these with INSTANCE|GROUP, name, state and priority as further arguments.");
  const auto of_service = member_of(&Binder::service);
  table.value("quorum_up", {virtual_server}, command(of_service(&ServiceDraft::quorum_up)),
              "Runs when the quorum is gained.");
  table.value("quorum_down", {virtual_server}, command(of_service(&ServiceDraft::quorum_down)),
              "Runs when the quorum is lost.");
  const auto of_server = [](Boxed<Command> ServerDraft::*member) {
    return [=](Binder& binder) -> Command& { return (binder.server().*member).get(); };
  };
  table.value("notify_up", {real_server, real_servers_from}, command(of_server(&ServerDraft::notify_up)),
              "Runs when the server comes up.");
  table.value("notify_down", {real_server, real_servers_from}, command(of_server(&ServerDraft::notify_down)),
              "Runs when the server goes down.");
  table.value("notify_deleted", {vrrp_instance}, custom("[\"PROGRAM ARGUMENTS\" [USER [GROUP]]]", 0, 3, set_deleted),
              "Removed from the configuration is DELETED, not FAULT; and what runs then.");
  table.value("notify_master_rx_lower_pri", {vrrp_instance}, command(own(&Notify::lower_priority)),
              "Runs when a MASTER has heard one of lower priority.");
  table.value("notify_priority_changes", {vrrp_instance},
              boolean(member_of(&Binder::notify)(&NotifyDraft::own_priority_changes)),
              "Changes of priority go to the FIFOs; default: vrrp_notify_priority_changes.");
  table.value("vrrp_notify_priority_changes", {global_defs},
              boolean(member_of(&Binder::draft)(&Draft::notify_priority_changes)), "The same for all instances.");
}

Value fifo(NotifyFifo NodeScripts::*which) {
  return custom("PATH [USER [GROUP]]", 1, 3, [=](Binder& binder, const Statement& statement) {
    auto& fifo = binder.global().scripts.*which;
    const auto& word = statement.words[1];
    if (!word.text.starts_with('/')) {
      binder.report().error(word.at, fmt::format("'{}' is no absolute path", shorten(word.text)));
      return;
    }
    fifo.path = word.text;
    set_user(fifo.user, fifo.group, statement, 2);
  });
}

void add_node_keywords(Table& table) {
  using enum Context;
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {global_defs}, std::move(value), doc);
  };
  const auto reader = [](NotifyFifo NodeScripts::*which) {
    return [=](Binder& binder) -> Command& { return (binder.global().scripts.*which).reader; };
  };
  const auto own = [](auto member) {
    return [=](Binder & binder) -> auto& { return binder.global().scripts.*member; };
  };
  add("notify_fifo", fifo(&NodeScripts::fifo), "A named pipe that gets a line for each change of a role.");
  add("notify_fifo_script", command(reader(&NodeScripts::fifo)), "Runs beside it, its path as last argument.");
  add("vrrp_notify_fifo", fifo(&NodeScripts::vrrp_fifo), "Another one; the same lines.");
  add("vrrp_notify_fifo_script", command(reader(&NodeScripts::vrrp_fifo)), "Runs beside it.");
  add("lvs_notify_fifo", fifo(&NodeScripts::lvs_fifo),
      "A named pipe that gets a line for each change of a server or service.");
  add("lvs_notify_fifo_script", command(reader(&NodeScripts::lvs_fifo)), "Runs beside it.");
  add("rs_init_notifies", boolean(own(&NodeScripts::initial_servers)), "Each server's first state is told, too.");
  add("startup_script", command(own(&NodeScripts::startup)), "Runs once when Ballast starts.");
  add("startup_script_timeout", seconds(1s, 1'000s, own(&NodeScripts::startup_timeout)), "Default 10.");
  add("shutdown_script", command(own(&NodeScripts::shutdown)), "Runs once when Ballast stops.");
  add("shutdown_script_timeout", seconds(1s, 1'000s, own(&NodeScripts::shutdown_timeout)), "Default 10.");
}

// webhook URL { }
void open_webhook(Binder& binder, const Statement& statement) {
  auto& made = binder.global().scripts.webhooks.emplace_back();
  const auto& word = statement.words[1];
  made.url = word.text;
  if (!made.url.starts_with("https://") && !made.url.starts_with("http://"))
    binder.report().error(word.at, fmt::format("'{}' is no URL: https://HOST/PATH", shorten(word.text)));
}

void add_kinds(Binder& binder, const Statement& statement) {
  constexpr std::array<std::string_view, 6> kinds{"vrrp", "health", "service", "config", "daemon", "engine"};
  for (std::size_t i = 1; i < statement.words.size(); ++i) {
    const auto& word = statement.words[i];
    if (std::ranges::find(kinds, word.text) == kinds.end())
      binder.report().error(
          word.at,
          fmt::format("'{}' is no kind of event: vrrp, health, service, config, daemon, engine", shorten(word.text)));
    else
      binder.webhook().kinds.push_back(word.text);
  }
}

void add_webhook_keywords(Table& table) {
  const auto own = member_of(&Binder::webhook);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::webhook}, std::move(value), doc);
  };
  table.block("webhook", Context::global_defs, Context::webhook, custom("URL", 1, 1, open_webhook),
              "Gets events as JSON, one POST each; any number.");
  add("events", custom("KIND…", 1, 6, add_kinds),
      "Of these kinds: vrrp, health, service (default), config, daemon, engine.");
  add("header_file", text("PATH", own(&Webhook::header_file)), "Header lines sent along, read at each POST (secrets).");
  add("ca_file", text("PATH", own(&Webhook::ca_file)), "Authorities (PEM); default: the system's.");
  add("tls_verify", boolean(own(&Webhook::verify)), "Default on.");
  add("timeout", seconds(100ms, 60s, own(&Webhook::timeout)), "Of one try; default 5.");
  add("tries", number(1, 100, own(&Webhook::tries)), "Then it is given up; default 5.");
}

}  // namespace

void add_script_keywords(Table& table) {
  add_vrrp_script_keywords(table);
  add_notify_keywords(table);
  add_node_keywords(table);
  add_webhook_keywords(table);
}

}  // namespace ballast::config
