#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "daemons/scriptd/policy/hook.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Sends events to the webhooks of the configuration, each by a ballast-webhook of its own: a queue for each webhook,
/// so that one that hangs delays nothing but itself.
class Hooks {
 public:
  Hooks(boost::asio::io_context& io, Runner& runner) : io_{io}, runner_{runner} {}
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  /// A webhook that has not changed keeps what waits for it; one that is gone gets it still.
  void apply(const config::Model& model);
  void on_event(const bus::Event& event);
  [[nodiscard]] bool idle() const { return busy_ == 0; }

 private:
  struct Hook {
    config::Webhook wanted;
    HookQueue queue;
    bool running = false;
    bool said_full = false;
  };
  boost::asio::awaitable<void> work(std::shared_ptr<Hook> hook);
  boost::asio::awaitable<void> deliver(const Hook& hook, std::string body);

  boost::asio::io_context& io_;
  Runner& runner_;
  config::Global global_;
  std::vector<std::shared_ptr<Hook>> hooks_;
  unsigned busy_ = 0;
};

}  // namespace ballast::scriptd
