#pragma once
#include <deque>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "daemons/scriptd/policy/service_notices.hpp"
#include "daemons/scriptd/shell/pipes.hpp"
#include "daemons/scriptd/shell/post.hpp"

namespace ballast::scriptd {

/// Carries out what the ServiceTeller says, however many servers change at once: of one server or service the newest
/// state waits alone, and so many programs run at a time. `scriptd.services` in the run directory holds what was told;
/// it is written before anything is told.
class ServiceNotifier {
 public:
  ServiceNotifier(boost::asio::io_context& io, Runner& runner, Pipes& pipes, Post& post,
                  const std::filesystem::path& run_dir);
  ServiceNotifier(const ServiceNotifier&) = delete;
  ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  void apply(const config::Model& model);
  void on_server(const std::string& name, const std::optional<bus::ServerHealth>& health);
  void on_service(const std::string& name, const std::optional<bus::ServiceState>& state);
  /// Nothing runs or waits.
  [[nodiscard]] bool idle() const { return !writing_ && workers_ == 0; }
  /// Ballast ends: for services with omega.
  void stop();

  static constexpr unsigned most_running = 16;

 private:
  struct Line {
    std::optional<ServiceNotice> waiting;
    bool running = false;
  };
  void tell(std::vector<ServiceNotice> notices);
  boost::asio::awaitable<void> write_and_tell();
  void save();
  void carry_out(ServiceNotice notice);
  boost::asio::awaitable<void> work();

  boost::asio::io_context& io_;
  Runner& runner_;
  Pipes& pipes_;
  Post& post_;
  std::filesystem::path file_;
  ServiceTeller teller_;
  config::Global global_;
  std::vector<ServiceNotice> untold_;  ///< until the record is written
  bool writing_ = false;
  std::chrono::steady_clock::duration write_took_{};
  std::unordered_map<std::string, Line> lines_;
  std::deque<std::string> ready_;  ///< those of `lines_` with something that waits and nothing that runs
  unsigned workers_ = 0;
  std::size_t overtaken_ = 0;
};

}  // namespace ballast::scriptd
