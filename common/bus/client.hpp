#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/result.hpp"

namespace ballast::bus {

struct ClientOptions {
  std::filesystem::path socket;            ///< `<run-dir>/bus.sock`
  std::string role;                        ///< "vrrpd", "checkd", "forwardd", "ctl"
  std::vector<std::string> subscriptions;  ///< topic prefixes: "health/", "vrrp/"; "events" for events
  bool configuration = false;              ///< take part in configuration transactions
};

/// Who asks, as ballastd knows it.
struct Asker {
  std::string role;         ///< of its hello; a daemon's is a daemon
  bool may_change = false;  ///< root or of the group ballast-admin
};

/// Called on the loop's thread. All optional.
struct ClientHandlers {
  /// A retained topic's value; null JSON: withdrawn.
  std::function<void(const std::string& topic, const nlohmann::json& value)> update;
  /// All retained values of that prefix have been handed over (again after every reconnect or overflow; topics that
  /// vanished meanwhile have had their null update before this).
  std::function<void(const std::string& prefix)> snapshot_end;
  std::function<void(const Event&)> event;
  /// First phase: may this daemon run this configuration? An error refuses the whole transaction.
  std::function<Result<>(const config::Model&)> validate;
  /// Second phase: run it. Called at start with the configuration in force, and after every reload; not called again
  /// after a reconnect when nothing has changed. What it has published when it returns is there for who asked for it.
  std::function<void(const config::Model&)> apply;
  /// A request to this daemon; the value or the error is the reply.
  std::function<boost::asio::awaitable<Result<nlohmann::json>>(std::string method, nlohmann::json params)> request;
  /// The same for who needs to know who asks; goes before `request`.
  std::function<boost::asio::awaitable<Result<nlohmann::json>>(Asker asker, std::string method, nlohmann::json params)>
      request_from;
  std::function<void(bool)> connected;  ///< true: the bus took our hello; false: lost
};

/// A reconnecting client: back-off from 20 ms to 1 s. What was published is remembered and published anew after a
/// reconnect.
class Client {
 public:
  Client(boost::asio::io_context& io, ClientOptions options, ClientHandlers handlers);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start();
  /// A further prefix, from now on; one that is subscribed already makes no difference.
  void subscribe(const std::string& prefix);
  /// Closes the connection after what is queued has been written (at most 1 s).
  boost::asio::awaitable<void> stop();

  /// Retained. Sent only when it differs from what was last published.
  void publish(const std::string& topic, nlohmann::json value);
  void withdraw(const std::string& topic);
  /// Sent at once, or lost when not connected and more than 1,000 wait.
  void event(Event event);
  /// Awaits the reply, at most RequestTable::longest_patience. Errors: not connected, refused, timed out, or what the
  /// other side said.
  boost::asio::awaitable<Result<nlohmann::json>> request(std::string to, std::string method, nlohmann::json params,
                                                         std::chrono::milliseconds timeout);
  [[nodiscard]] bool is_connected() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::bus
