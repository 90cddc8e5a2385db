#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/verbs.hpp"

namespace ballast::ctl {
namespace {

using Action = std::function<int()>;

void add_reports(CLI::App& app, Options& options, Action& action) {
  const auto add = [&](const char* name, const char* what, int (*run)(const Options&)) {
    auto* verb = app.add_subcommand(name, what);
    verb->add_flag("--json", options.json, "print JSON");
    verb->callback([&options, &action, run] { action = [&options, run] { return run(options); }; });
    return verb;
  };
  add("status", "the node: daemons, VRRP instances, services and their servers", status);
  add("health", "every server's health, and why", health);
  add("drops", "packets dropped, by reason", drops);
  add("doctor", "look for what is wrong with VRRP here, for some seconds: exit 0 nothing, 1 findings", doctor);
  add("reload", "read the configuration anew; says what changed, or what is wrong and changes nothing", reload)
      ->add_flag("--dry-run", options.dry_run, "only say what would change: exit 0 nothing, 1 something, 2 errors");
  auto* listing = add("connections", "connections in the table", connections);
  listing->add_option("--service", options.service, "only of this service");
  listing->add_option("--client", options.client, "only of this client address");
  listing->add_option("--server", options.server, "only to this real server");
  listing->add_option("--limit", options.limit, "at most so many")->capture_default_str();
  auto* live = add("top", "packets, bits and connections a second, by service and server", top);
  live->add_option("--interval", options.interval, "seconds")->check(CLI::Range(1, 3600))->capture_default_str();
  live->add_option("-n,--rounds", options.rounds, "so many times; 0: until interrupted")->capture_default_str();
  auto* asking = add("trace", "what the data path would do with a packet, step by step, and why", trace);
  asking->add_option("PROTOCOL SOURCE DESTINATION", options.packet, "as in: tcp 198.51.100.7:40000 203.0.113.10:80")
      ->required()
      ->expected(3);
  asking->add_option("--flags", options.flags, "TCP flags: S, A, F, R in any order")->capture_default_str();
  auto* past = add("events", "what happened, oldest first", events);
  past->add_flag("-f,--follow", options.follow, "go on with what happens now");
  past->add_option("-n,--lines", options.count, "so many of the past")->capture_default_str();
}

void add_configuration(CLI::App& app, Options& options, Action& action) {
  auto* checking = app.add_subcommand("check", "check a configuration file: exit 0 clean, 1 warnings, 2 errors");
  checking->add_option("FILE", options.file)->required();
  checking->add_flag("--strict", options.strict, "keywords that are still to come are errors");
  auto* showing = app.add_subcommand("config", "the configuration, normalised: of a file, or the one in force");
  auto* file = showing->add_option("FILE", options.file);
  showing->add_flag("--secrets", options.secrets, "print passwords and keys of FILE, too")->needs(file);
  for (auto* verb : {checking, showing}) {
    verb->add_flag("--json", options.json, "print JSON");
    verb->add_option("--config-id", options.config_id, "for lines that begin with @id; else the short host name");
  }
  checking->callback([&] { action = [&] { return check(options); }; });
  showing->callback([&] { action = [&] { return show_config(options); }; });
  auto* table = app.add_subcommand("keywords", "keepalived's keywords, and what becomes of each");
  table->group("")->add_flag("--markdown")->description("as a page of the docs: the only form there is");
  table->callback([&] { action = keywords; });
}

void add_ends(CLI::App& verb, Options& options, bool saves) {
  auto* duration = verb.add_option("--for", options.duration, "for so long: 90s, 10m, 2h; else until undone");
  if (saves) verb.add_flag("--save", options.save, "write it down beside the configuration, too")->excludes(duration);
}

void add_server_states(CLI::App& server, Options& options, std::vector<std::string>& names, Action& action) {
  const auto add = [&](const char* name, const char* what) {
    auto* verb = server.add_subcommand(name, what);
    verb->add_option("[SERVICE] SERVER", names, "all services' where no service is named; the port may be left out")
        ->required()
        ->expected(1, 2);
    verb->callback([&options, &names, &action, name] {
      options.server = names.back();
      if (names.size() == 2) options.service = names.front();
      action = [&options, name] { return set_server(options, name); };
    });
    return verb;
  };
  add_ends(*add("drain", "no new connections; open ones go on"), options, false);
  add_ends(*add("disable", "out at once"), options, false);
  add("enable", "undo drain or disable");
}

void add_changes(CLI::App& app, Options& options, std::vector<std::string>& names, Action& action) {
  auto* server = app.add_subcommand("server", "servers of a service: add, remove, weigh, take out of service and back");
  server->require_subcommand(1);
  add_server_states(*server, options, names, action);
  const auto add = [&](CLI::App* above, const char* name, const char* what, int (*run)(const Options&)) {
    auto* verb = above->add_subcommand(name, what);
    verb->callback([&options, &action, run] { action = [&options, run] { return run(options); }; });
    add_ends(*verb, options, true);
    return verb;
  };
  auto* adding = add(server, "add", "one more, at once; the file stays as it is", add_server);
  auto* removing = add(server, "remove", "one less", remove_server);
  auto* weighing = add(server, "weight", "another share for it; 0: no new connections", weigh_server);
  for (auto* verb : {adding, removing, weighing}) {
    verb->add_option("SERVICE", options.service, "as `status` names it; tcp: or udp: may be left out")->required();
    verb->add_option("SERVER", options.server, "ADDRESS:PORT")->required();
  }
  weighing->add_option("WEIGHT", options.weight)->required()->check(CLI::Range(0, 65'535));
  adding->add_option("--weight", options.weight, "else that of the server it is like")->check(CLI::Range(0, 65'535));
  adding->add_option("--like", options.like, "method and checks are those of this server; else of the first one");
  auto* service = app.add_subcommand("service", "add and remove services");
  service->require_subcommand(1);
  add(service, "add", "the virtual_server blocks of a file", add_service)
      ->add_option("FILE", options.file, "or - for standard input")
      ->required();
  add(service, "remove", "one less", remove_service)->add_option("SERVICE", options.service)->required();

  auto* listing = app.add_subcommand("changes", "what differs from the file, by whom and until when");
  listing->add_flag("--json", options.json, "print JSON");
  auto* undo = listing->add_subcommand("undo", "back to what the file says");
  undo->add_option("NUMBER", options.number, "of the list, or all")->required();
  listing->callback([&options, &action, undo] {
    const bool undoes = undo->parsed();
    action = [&options, undoes] { return undoes ? undo_changes(options) : changes(options); };
  });
}

void add_handover(CLI::App& app, Options& options, Action& action) {
  auto* failover_verb =
      app.add_subcommand("failover", "hand an instance's role (and its sync group's) to another router");
  failover_verb->add_option("INSTANCE", options.instance)->required();
  auto* duration = failover_verb->add_option("--for", options.duration, "for so long: 90s, 10m, 2h; else until --undo");
  auto* to_peer = failover_verb->add_flag("--to-peer", options.to_peer, "until --undo: the default");
  auto* undo = failover_verb->add_flag("--undo", options.undo, "take part again with the own priority");
  to_peer->excludes(duration)->excludes(undo);
  duration->excludes(undo);
  failover_verb->callback([&] { action = [&] { return failover(options); }; });

  auto* maintenance_verb = app.add_subcommand("maintenance", "all instances' roles to other routers");
  maintenance_verb->require_subcommand(1);
  auto* on = maintenance_verb->add_subcommand("on", "this node is MASTER of nothing while another router is there");
  on->add_option("--for", options.duration, "for so long: 90s, 10m, 2h; else until `maintenance off`");
  on->callback([&] { action = [&] { return maintenance(options, true); }; });
  maintenance_verb->add_subcommand("off", "take part again")->callback([&] {
    action = [&] { return maintenance(options, false); };
  });
}

void add_wait(CLI::App& app, Options& options, Action& action) {
  auto* verb = app.add_subcommand("wait", "until all conditions hold: exit 0, or 1 in time with what is instead");
  verb->add_option("CONDITION…", options.words,
                   "instance NAME MASTER, group NAME BACKUP, service NAME up, server SERVICE SERVER drain, ready, "
                   "reloaded")
      ->required();
  verb->add_option("--timeout", options.timeout, "for so long: 5s, 10m")->capture_default_str();
  verb->add_option("--since", options.since, "reloads so long ago count, too: 5s, 10m");
  verb->callback([&] { action = [&] { return wait(options); }; });
}

void add_completion(CLI::App& app, Options& options, Action& action) {
  auto* verb = app.add_subcommand("completion", "print the script that completes command lines in a shell");
  verb->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    auto* made = verb->add_subcommand(name, what);
    made->callback([&, name] { action = [&, name] { return completion(options, verb_tree(app), name); }; });
    return made;
  };
  add("bash", "for bash");
  add("zsh", "for zsh");
  auto* words = add("words", "what the scripts ask for: services, servers, instances, conditions or verbs");
  words->group("");
  words->add_option("WHAT…", options.words)->required();
}

int run(int argc, char** argv) {
  Options options;
  const char* no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): one thread
  options.colours = isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
  Action action;
  std::vector<std::string> names;
  CLI::App app{"Look at a Ballast node and operate it. Verbs may be abbreviated.", "ballastctl"};
  app.set_version_flag("--version", "ballastctl " BALLAST_VERSION);
  app.add_option("--run-dir", options.run_dir, "where ballastd's socket is")->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  add_reports(app, options, action);
  add_configuration(app, options, action);
  add_changes(app, options, names, action);
  add_handover(app, options, action);
  add_wait(app, options, action);
  add_completion(app, options, action);

  auto arguments = expand_verbs({argv + 1, argv + argc}, verb_tree(app));
  if (!arguments) return complain(arguments.error().message, wrong_usage);
  std::reverse(arguments->begin(), arguments->end());  // CLI11 takes them from the end
  try {
    app.parse(*arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ok : wrong_usage;
  }
  return action();
}

}  // namespace
}  // namespace ballast::ctl

int main(int argc, char** argv) { return ballast::ctl::run(argc, argv); }
