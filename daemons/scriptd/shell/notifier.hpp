#pragma once
#include <filesystem>
#include <map>
#include <vector>

#include "daemons/scriptd/policy/notices.hpp"
#include "daemons/scriptd/shell/pipes.hpp"
#include "daemons/scriptd/shell/post.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Carries out what the Teller says: one queue for each instance and group. `scriptd.told` in the run directory holds
/// what was told.
class Notifier {
 public:
  Notifier(boost::asio::io_context& io, Runner& runner, Pipes& pipes, Post& post, const std::filesystem::path& run_dir);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void apply(const config::Model& model);
  void on_instance(const std::string& name, std::optional<bus::VrrpState> state);
  void on_group(const std::string& name, std::optional<bus::VrrpGroupState> state);
  /// No notification runs or waits.
  [[nodiscard]] bool idle() const { return busy_ == 0; }
  /// Runs the shutdown script, if there is one.
  boost::asio::awaitable<void> shut_down();

 private:
  struct Line {
    NoticeQueue queue;
    unsigned overtaken = 0;
    bool running = false;
  };
  void tell(std::vector<Notice> notices);
  void save();
  boost::asio::awaitable<void> work(Subject subject);

  boost::asio::io_context& io_;
  Runner& runner_;
  Pipes& pipes_;
  Post& post_;
  std::filesystem::path file_;
  bool started_ = false;  ///< the startup script has been run
  Teller teller_{{}};
  config::Global global_;
  std::map<Subject, Line> lines_;
  unsigned busy_ = 0;
};

}  // namespace ballast::scriptd
