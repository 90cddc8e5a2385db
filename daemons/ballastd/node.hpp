#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/bus/server.hpp"
#include "common/config/loader.hpp"
#include "common/config/reader.hpp"
#include "daemons/ballastd/admin_store.hpp"
#include "daemons/ballastd/effective.hpp"
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
///
/// What is in force is effective(file, changes, found servers). A start, a reload, an operator's change and a change of
/// a source all come to this: it is made anew, offered to the daemons, and in force when all of them take it. What asks
/// for another while one is offered waits, and is made of what holds then.
class Node {
 public:
  explicit Node(NodeOptions options);
  ~Node();

  /// Runs until SIGTERM or SIGINT. Exit status: 0, 1 when it cannot serve, 2 when the configuration is broken.
  int run();

 private:
  using Answer = std::function<void(Result<nlohmann::json>)>;
  using Intent = std::function<boost::asio::awaitable<void>()>;
  /// What is to be in force, and what it is made of.
  struct Plan {
    ModelPointer file;
    ChangeStore changes;
    FoundStore found;
    Effective result;
  };
  struct InForce {
    bool keep = false;    ///< changes that cannot be written down are not done
    bool always = false;  ///< offer it even if it does not differ
  };

  /// Reads the file and logs what is wrong with it.
  [[nodiscard]] config::Loaded load();
  [[nodiscard]] config::LoadOptions load_options() const;
  [[nodiscard]] std::filesystem::path state_file(const char* name) const;
  [[nodiscard]] std::filesystem::path admin_file() const { return state_file("admin.json"); }
  Result<> open();
  void read_admin();
  void end_admin();
  void await_ends(double least = 0);
  void read_changes();
  void intend(Intent intent, const Answer& answer);
  boost::asio::awaitable<void> carry_out();
  static Plan plan(ModelPointer file, ChangeStore changes, FoundStore found);
  boost::asio::awaitable<Result<>> offer(ModelPointer model);
  boost::asio::awaitable<Result<std::vector<std::string>>> put_in_force(Plan plan, InForce how);
  void adopt(Plan plan);
  void settle(Plan& plan);
  boost::asio::awaitable<void> look_at_sources();
  void published(const std::string& topic);
  void request_change(const bus::Request& request, const Answer& answer);
  Result<std::vector<config::Amendment>> amendments_of(const nlohmann::json& params, nlohmann::json& reply) const;
  boost::asio::awaitable<void> change_now(bus::Request request, Answer answer);
  boost::asio::awaitable<void> undo_now(bus::Request request, Answer answer);
  boost::asio::awaitable<void> end_changes();
  [[nodiscard]] Result<nlohmann::json> text_to_save(const std::vector<config::Amendment>& now) const;
  [[nodiscard]] nlohmann::json dry_run() const;
  boost::asio::awaitable<void> obey_signals();
  void request(bus::Request request);
  Result<nlohmann::json> change_server(const bus::Request& request);
  [[nodiscard]] std::filesystem::path hold_file() const;
  void read_holds();
  Result<nlohmann::json> change_hold(const bus::Request& request);
  void end_holds();
  void await_hold_end();
  void reload(const std::string& by, Answer answer);
  boost::asio::awaitable<void> reload_now(std::string by, Answer answer);
  void reload_failed(const std::string& why);
  void forget_what_is_gone();
  void withdrawn();
  void refused(const std::string& role, const std::string& why);
  void tell(const std::string& severity, const std::string& kind, const std::string& subject,
            const std::string& message);

  NodeOptions options_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_;
  config::MachineFiles files_;
  config::Reader reader_{files_};
  ModelPointer file_;   ///< what the file says
  ModelPointer model_;  ///< what is in force
  ChangeStore changes_;
  FoundStore found_;
  std::vector<std::string> left_out_;  ///< found servers that are not used: said once
  std::deque<Intent> intents_;
  boost::asio::steady_timer work_;
  bool sources_changed_ = false;  ///< an intent to look at them waits
  bool changes_end_ = false;      ///< an intent to end those whose time is up waits
  AdminStore admin_;
  boost::asio::steady_timer end_timer_;  ///< of words about servers and of changes
  HoldStore holds_;
  boost::asio::steady_timer hold_timer_;
  std::unique_ptr<bus::Server> server_;
  std::unique_ptr<Family> family_;
};

}  // namespace ballast::ballastd
