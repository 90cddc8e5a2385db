#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <random>
#include <unordered_map>

#include "common/config/model.hpp"
#include "daemons/checkd/board.hpp"
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// Where results go: the bus, or a test.
struct Sink {
  std::function<void(const bus::ServerHealth&)> publish;
  std::function<void(const ServerKey&)> withdraw;
  std::function<void(const bus::Event&)> event;
};

/// Runs the checks of a configuration, one coroutine each, and hands on what they find.
class Supervisor {
 public:
  Supervisor(boost::asio::io_context& io, Sink sink, decltype(Surroundings::ask_scriptd) ask_scriptd = {});
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void apply(const config::Model& model, Suspended suspended = {});
  /// The services that are not to be probed from now on; others are again.
  void suspend(Suspended suspended);
  /// As applied last.
  [[nodiscard]] const config::Model& model() const { return model_; }
  /// What the data path has seen of a service's new connections (passive_check).
  void on_traffic(const bus::ServiceTraffic& traffic);
  /// Ends all probing; results of probes under way are dropped.
  void stop();

 private:
  struct Run;
  void start(const Started& started);
  double chance();  ///< in [0, 1)
  void carry_out(const Plan& plan);
  void tell(const News& news);
  void carry_out(const Board::Passive& passive);
  void await_hold();
  static boost::asio::awaitable<void> loop(Supervisor* self, std::shared_ptr<Run> run, config::Duration wait);

  boost::asio::io_context& io_;
  Sink sink_;
  Surroundings surroundings_;
  Board board_;
  std::minstd_rand random_{std::random_device{}()};
  std::unordered_map<CheckId, std::shared_ptr<Run>> runs_;
  config::Model model_;
  Suspended suspended_;
  bool said_slow_ = false;
  boost::asio::steady_timer hold_;  ///< of servers that are down by passive health
};

}  // namespace ballast::checkd
