#pragma once
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/config/model_tracking.hpp"
#include "daemons/vrrpd/shell/track_report.hpp"

namespace ballast::vrrpd {

/// Counts the processes that tracked ones match. The kernel's process connector tells of each that begins, ends or
/// changes its name; where it does not (in a container or a network namespace of its own) /proc is read every second.
class ProcessTracker {
 public:
  ProcessTracker(boost::asio::io_context& io, TrackReport report);

  /// Tells of each before it returns.
  void apply(const std::vector<config::TrackedProcess>& processes);
  /// The kernel tells of processes by itself.
  [[nodiscard]] bool is_told() const { return told_; }

 private:
  struct Tracked {
    config::TrackedProcess config;
    std::set<pid_t> running;
    std::optional<bool> up;  ///< as last told
    boost::asio::steady_timer delay;
    bool delayed = false;
  };

  void listen();
  void wait();
  void receive();
  void heard(std::span<const char> bytes);
  void schedule();
  void scan();
  void look_at(pid_t pid);
  void gone(pid_t pid);
  void judge(Tracked& tracked);
  void settle(Tracked& tracked);

  boost::asio::io_context& io_;
  TrackReport report_;
  boost::asio::posix::stream_descriptor connector_;
  boost::asio::steady_timer poll_;
  bool told_ = false;
  bool said_ = false;  ///< by which way, in the log
  std::map<std::string, Tracked> tracked_;
};

/// A process as /proc shows it.
struct ProcessFacts {
  std::string name;                    ///< /proc/PID/comm: up to 15 characters; empty: gone, or a zombie
  std::vector<std::string> arguments;  ///< the whole command line; empty: a kernel thread, or gone
};
bool matches(const config::TrackedProcess& tracked, const ProcessFacts& facts);

}  // namespace ballast::vrrpd
