#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/bus/server.hpp"
#include "common/config/loader.hpp"
#include "daemons/ballastd/admin_store.hpp"
#include "daemons/ballastd/family.hpp"
#include "daemons/ballastd/hold_store.hpp"

namespace ballast::ballastd {

struct NodeOptions {
  std::filesystem::path config = "/etc/ballast/ballast.conf";
  std::filesystem::path run_dir = "/run/ballast";
  std::filesystem::path pin_dir = "/sys/fs/bpf/ballast";
  std::filesystem::path state_dir;  ///< empty: the run directory
  std::string config_id;
  bool standalone = false;
  bool unload_on_exit = false;
  bool verbose = false;
};

/// ballastd: the configuration in force, the bus, the operators' words, and the family when standalone.
class Node {
 public:
  explicit Node(NodeOptions options);
  ~Node();

  /// Runs until SIGTERM or SIGINT. Exit status: 0, 1 when it cannot serve, 2 when the configuration is broken.
  int run();

 private:
  using Answer = std::function<void(Result<nlohmann::json>)>;

  /// Reads the file and logs what is wrong with it.
  [[nodiscard]] config::Loaded load() const;
  [[nodiscard]] std::filesystem::path admin_file() const;
  Result<> open();
  void read_admin();
  boost::asio::awaitable<void> obey_signals();
  void request(bus::Request request);
  Result<nlohmann::json> change_server(const bus::Request& request);
  [[nodiscard]] std::filesystem::path hold_file() const;
  void read_holds();
  Result<nlohmann::json> change_hold(const bus::Request& request);
  void end_holds();
  void await_hold_end();
  void reload(const std::string& by, Answer answer);
  void take_over(config::Loaded loaded, const std::string& by, const Answer& answer);
  void reload_failed(const std::string& why);
  void forget_what_is_gone();
  void withdrawn();
  void refused(const std::string& role, const std::string& why);
  void tell(const std::string& severity, const std::string& kind, const std::string& subject,
            const std::string& message);

  NodeOptions options_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_;
  config::Model model_;
  AdminStore admin_;
  HoldStore holds_;
  boost::asio::steady_timer hold_timer_;
  std::unique_ptr<bus::Server> server_;
  std::unique_ptr<Family> family_;
};

}  // namespace ballast::ballastd
