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
  unsigned rise = 1;                     ///< successes in a row until it is up
  unsigned fall = 1;                     ///< failures in a row until it is down
  int weight = 0;          ///< of those who track it and do not say, -253 to 253; 0: FAULT while it is down
  bool reverse = false;    ///< the same
  bool init_fail = false;  ///< down until it has succeeded `rise` times; else a first success is enough
  bool operator==(const VrrpScript&) const = default;
};

/// What runs when an instance or a sync group changes its role.
struct Notify {
  Command master, backup, fault, stop, deleted;  ///< run with the arguments as written
  Command any;                                   ///< `notify`: INSTANCE|GROUP, name, state and priority follow
  Command lower_priority;                        ///< notify_master_rx_lower_pri
  bool says_deleted = false;                     ///< notify_deleted: an instance that is removed is DELETED, else FAULT
  bool priority_changes = false;                 ///< they are written to FIFOs
  bool mail = false;                             ///< smtp_alert
  bool operator==(const Notify&) const = default;
};

/// A named pipe that gets one line a change.
struct NotifyFifo {
  std::string path;   ///< empty: none
  std::string user;   ///< its owner; empty: script_user
  std::string group;  ///< empty: the user's
  Command reader;     ///< run beside it, the path as its last argument
  bool operator==(const NotifyFifo&) const = default;
};

/// Gets events as JSON, one POST each.
struct Webhook {
  std::string url;                 ///< https://HOST[:PORT]/PATH, or http://
  std::string header_file;         ///< further header lines are read from it at each POST (a secret); empty: none
  std::string ca_file;             ///< PEM; empty: the system's authorities
  std::vector<std::string> kinds;  ///< of bus::Event; empty: vrrp, health, service
  std::chrono::microseconds timeout{5'000'000};  ///< of one try
  unsigned tries = 5;
  bool verify = true;
  bool operator==(const Webhook&) const = default;
};

/// Programs of the whole node.
struct NodeScripts {
  NotifyFifo fifo;       ///< notify_fifo
  NotifyFifo vrrp_fifo;  ///< vrrp_notify_fifo
  NotifyFifo lvs_fifo;   ///< lvs_notify_fifo
  std::vector<Webhook> webhooks;
  Command startup, shutdown;
  std::chrono::microseconds startup_timeout{10'000'000};
  std::chrono::microseconds shutdown_timeout{10'000'000};
  bool initial_servers = false;  ///< rs_init_notifies: tell of each server's first state, too
  bool operator==(const NodeScripts&) const = default;
};

}  // namespace ballast::config
