#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ballast::ctl {

struct Verb;

/// Exit statuses; `check` has 1 for warnings.
enum Exit : int { ok = 0, failed = 1, bad_configuration = 2, wrong_usage = 2, no_ballastd = 3 };

/// What was typed.
struct Options {
  std::filesystem::path run_dir = "/run/ballast";
  bool json = false;
  bool colours = false;
  bool follow = false;              ///< events
  unsigned count = 100;             ///< events -n
  unsigned limit = 1000;            ///< connections --limit
  bool strict = false;              ///< check
  std::string config_id;            ///< check, config
  std::string file;                 ///< check, config
  bool secrets = false;             ///< config FILE
  std::string service;              ///< connections, server
  std::string instance;             ///< failover
  std::string duration;             ///< failover, maintenance: --for
  bool to_peer = false;             ///< failover
  bool undo = false;                ///< failover
  bool dry_run = false;             ///< reload
  std::vector<std::string> words;   ///< wait: conditions; completion: what to print
  std::string timeout = "30s";      ///< wait
  std::string since = "0";          ///< wait: reloads so long ago count, too
  std::string client;               ///< connections
  std::string server;               ///< connections, server
  std::optional<int> weight{};      ///< server add, server weight
  std::string like;                 ///< server add
  bool save = false;                ///< server and service changes
  std::string number;               ///< changes undo
  unsigned interval = 1;            ///< top: seconds
  unsigned rounds = 0;              ///< top: 0: until interrupted
  std::vector<std::string> packet;  ///< trace: PROTOCOL SOURCE DESTINATION
  std::string flags = "S";          ///< trace: TCP flags by their first letters
};

// One function a verb; each returns the exit status and has said what went wrong.
int status(const Options& options);
int health(const Options& options);
int connections(const Options& options);
int drops(const Options& options);
/// 0: nothing is wrong; 1: findings; 2: nobody could look.
int doctor(const Options& options);
int events(const Options& options);
int top(const Options& options);
int failover(const Options& options);
int maintenance(const Options& options, bool begins);
int trace(const Options& options);
/// With dry_run: 0 nothing would change, 1 something would, 2 errors.
int reload(const Options& options);
/// 0: all conditions hold; 1: not in time, and what it is instead; 3: no ballastd.
int wait(const Options& options);
int check(const Options& options);
int show_config(const Options& options);
/// Prints docs/keepalived-compatibility.md.
int keywords();
/// Prints a shell's script (`bash`, `zsh`), or with `words` what options.words ask for.
int completion(const Options& options, const Verb& root, const std::string& shell);
/// `action` is drain, enable or disable.
int set_server(const Options& options, const std::string& action);
int add_server(const Options& options);
int remove_server(const Options& options);
int weigh_server(const Options& options);
int add_service(const Options& options);
int remove_service(const Options& options);
/// What differs from the file.
int changes(const Options& options);
int undo_changes(const Options& options);

/// Says what went wrong on standard error; returns the status.
int complain(const std::string& message, int exit_status);

}  // namespace ballast::ctl
