// ballast-realserver: prepares this machine to be a real server, tells how it stands, and puts everything back.
#include <CLI/CLI.hpp>
#include <array>

#include "common/runtime/log.hpp"
#include "tools/realserver/options.hpp"
#include "tools/realserver/server.hpp"

namespace ballast::realserver {
namespace {

constexpr int wrong_usage = 2;

void add_folders(CLI::App& verb, Folders& folders) {
  verb.add_option("--state-dir", folders.state, "where is remembered what was changed")->capture_default_str();
  verb.add_option("--pin-dir", folders.pins, "where programs are pinned, in a BPF file system")->capture_default_str();
}

void add_wishes(CLI::App& verb, Words& words) {
  verb.add_option("--mode", words.mode, "how load balancers forward to this server: dr, tun or fnat")->required();
  verb.add_option("--vip", words.vips, "dr, tun: addresses that clients connect to, parted by commas");
  verb.add_option("--interface", words.interfaces, "dr, tun: where packets from load balancers arrive");
  verb.add_option("--trust", words.trust,
                  "fnat: who may tell a client's address (the local addresses); tun: whose tunnels are unwrapped");
  verb.add_option("--gue-port", words.gue_port, "tun: UDP port of GUE, 6080 by default; 0: none");
  verb.add_option("--cgroup", words.cgroup, "fnat: whose programs see clients' addresses; all by default");
}

int finish(const Result<>& done) {
  if (!done) log::error("{}", done.error().message);
  return done ? 0 : 1;
}

int up(const Folders& folders, const Words& words) {
  auto wanted = parse(words);
  if (!wanted) {
    log::error("{}", wanted.error().message);
    return wrong_usage;
  }
  return finish(bring_up(folders, std::move(*wanted)));
}

int status(const Folders& folders, bool json) {
  const auto report = look(folders);
  if (!report) return finish(report.error());
  const auto text = json ? to_json(*report).dump(2) + "\n" : to_text(*report);
  std::fputs(text.c_str(), stdout);
  return report->is_whole() ? 0 : 1;
}

/// `ballast-realserver --mode …` is `ballast-realserver up --mode …`.
std::vector<std::string> with_verb(std::vector<std::string> arguments) {
  constexpr std::array<std::string_view, 4> of_no_verb{"-h", "--help", "--version", ""};
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first.starts_with('-') && std::ranges::find(of_no_verb, first) == of_no_verb.end()) {
    arguments.insert(arguments.begin(), "up");
  }
  return arguments;
}

int run(int argc, char** argv) {
  Folders folders;
  Words words;
  bool json = false;
  int code = 0;
  CLI::App app{"Prepares a real server behind Ballast (or another layer-4 load balancer), and puts everything back.",
               "ballast-realserver"};
  app.set_version_flag("--version", "ballast-realserver " BALLAST_VERSION);
  app.require_subcommand(1);
  auto* preparing =
      app.add_subcommand("up", "make this server what the options say; again with others: change to those");
  auto* looking = app.add_subcommand("status", "what is set up, and what is missing; exit 0 whole, 1 not");
  auto* undoing = app.add_subcommand("undo", "put back what was changed and made, and nothing else");
  for (auto* verb : {preparing, looking, undoing}) add_folders(*verb, folders);
  add_wishes(*preparing, words);
  looking->add_flag("--json", json, "print JSON");
  preparing->callback([&] { code = up(folders, words); });
  looking->callback([&] { code = status(folders, json); });
  undoing->callback([&] { code = finish(undo(folders)); });

  auto arguments = with_verb({argv + 1, argv + argc});
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the end
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_usage;
  }
  return code;
}

}  // namespace
}  // namespace ballast::realserver

int main(int argc, char** argv) {
  ballast::log::configure("ballast-realserver", ballast::log::Level::info);
  return ballast::realserver::run(argc, argv);
}
