#pragma once
// Programs that the configuration names: checks that a priority depends on, and what runs when a role changes.
#include <chrono>
#include <string>
#include <vector>

namespace ballast::config {

/// A program and its arguments, executed without a shell.
struct Command {
  std::vector<std::string> words;  ///< the program's path first; empty: none
  std::string user;                ///< empty: script_user
  std::string group;               ///< empty: the user's
  bool operator==(const Command&) const = default;
};

/// vrrp_script: runs every `interval`; who tracks it says with which weight.
struct VrrpScript {
  std::string name;
  Command command;
  std::chrono::microseconds interval{1'000'000};
  std::chrono::microseconds timeout{0};  ///< then it is killed and has failed; 0: the interval
  unsigned rise = 1;      ///< successes in a row until it is up
  unsigned fall = 1;      ///< failures in a row until it is down
  int weight = 0;         ///< of those who track it and do not say, -253 to 253; 0: FAULT while it is down
  bool reverse = false;   ///< the same
  bool init_fail = false; ///< down until it has succeeded `rise` times; else a first success is enough
  bool operator==(const VrrpScript&) const = default;
};

}  // namespace ballast::config
