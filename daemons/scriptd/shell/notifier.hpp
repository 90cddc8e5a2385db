#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "daemons/scriptd/policy/notices.hpp"
#include "daemons/scriptd/shell/fifo.hpp"
#include "daemons/scriptd/shell/post.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Carries out what the Teller says: one queue for each instance and group, and the FIFOs. `scriptd.told` in the run
/// directory holds what was told.
class Notifier {
 public:
  Notifier(boost::asio::io_context& io, Runner& runner, const std::filesystem::path& run_dir);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void apply(const config::Model& model);
  void on_instance(const std::string& name, std::optional<bus::VrrpState> state);
  void on_group(const std::string& name, std::optional<bus::VrrpGroupState> state);
  /// No notification runs or waits.
  [[nodiscard]] bool idle() const { return busy_ == 0; }
  /// No mail is on its way.
  [[nodiscard]] bool mail_sent() const { return post_.idle(); }
  /// Runs the shutdown script, if there is one.
  boost::asio::awaitable<void> shut_down();

 private:
  struct Line {
    NoticeQueue queue;
    unsigned overtaken = 0;
    bool running = false;
  };
  struct Pipe {
    config::NotifyFifo wanted;
    std::shared_ptr<Fifo> fifo;
    std::shared_ptr<bool> reads;  ///< false: its reader is not started again
  };
  void tell(std::vector<Notice> notices);
  void save();
  void apply_fifos();
  boost::asio::awaitable<void> work(Subject subject);
  boost::asio::awaitable<void> run(std::string label, config::Command command, std::chrono::microseconds timeout);
  boost::asio::awaitable<void> keep_reader(config::NotifyFifo wanted, std::shared_ptr<bool> reads);

  boost::asio::io_context& io_;
  Runner& runner_;
  Post post_;
  std::filesystem::path file_;
  bool started_ = false;  ///< the startup script has been run
  Teller teller_{{}};
  config::Global global_;
  std::map<Subject, Line> lines_;
  std::vector<Pipe> pipes_;
  unsigned busy_ = 0;
};

}  // namespace ballast::scriptd
