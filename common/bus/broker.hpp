#pragma once
// The bus's decisions, without sockets: frames of connections come in, frames for connections are taken out.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bus/access.hpp"
#include "common/bus/config_relay.hpp"
#include "common/bus/event_ring.hpp"
#include "common/bus/messages.hpp"
#include "common/bus/outbox.hpp"
#include "common/bus/request_table.hpp"
#include "common/bus/retained.hpp"
#include "common/runtime/log.hpp"

namespace ballast::bus {

/// A request to ballastd itself, to be answered once by Broker::reply().
struct Request {
  ConnectionId from = nobody;
  nlohmann::json id;
  std::string method;
  nlohmann::json params;
  std::string user;
  bool may_change = false;  ///< root or of the group ballast-admin
};

/// What the broker needs of its surroundings. Nothing here calls back into the broker before it returns, but request().
class BrokerHost {
 public:
  virtual ~BrokerHost() = default;
  virtual runtime::TimePoint now() = 0;
  virtual double unix_time() = 0;
  /// There is something to take() for this connection.
  virtual void wake(ConnectionId id) = 0;
  /// Close this connection now, whatever it has not read; then Broker::disconnected().
  virtual void drop(ConnectionId id) = 0;
  virtual void note(log::Level level, const std::string& line) = 0;
  virtual void request(Request request) = 0;
  /// A daemon has published another value, or withdrawn it.
  virtual void published(const std::string& /*topic*/) {}
  /// A daemon does not run the configuration in force.
  virtual void refused(const std::string& role, const std::string& why) = 0;
};

struct BrokerOptions {
  Accounts accounts;
  std::string instance;  ///< tells this ballastd from its predecessors
  Outbox::Limits limits;
};

class Broker {
 public:
  using TimePoint = runtime::TimePoint;

  Broker(BrokerHost& host, BrokerOptions options);

  ConnectionId connect(Peer peer);
  /// A frame of that connection. What breaks the rules closes it alone.
  void receive(ConnectionId id, const nlohmann::json& frame);
  /// Bytes that are no frame.
  void malformed(ConnectionId id, const std::string& why);
  void disconnected(ConnectionId id);
  /// The next frames to write, about that many bytes.
  std::vector<FrameBytes> take(ConnectionId id, std::size_t bytes);
  /// All is written and the connection is to be closed.
  [[nodiscard]] bool finished(ConnectionId id) const;
  /// How long a frame of that connection may be; grows with what is known of it.
  [[nodiscard]] std::size_t frame_limit(ConnectionId id) const;
  /// Does what is due; when there is next something to do.
  void tick();
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  // ballastd's own part.
  void publish(const std::string& topic, const nlohmann::json& value);
  void withdraw(const std::string& topic);
  void event(Event event);
  void reply(ConnectionId to, const nlohmann::json& id, const Result<nlohmann::json>& result);
  void offer(const config::Model& model, ConfigRelay::Done done) { relay_.offer(model, host_.now(), std::move(done)); }
  [[nodiscard]] std::vector<Event> events(std::size_t limit) const { return events_.last(limit); }
  [[nodiscard]] const Retained& retained() const { return retained_; }
  [[nodiscard]] bool is_connected(const std::string& role) const { return by_role_.contains(role); }

  static constexpr std::size_t connection_limit = 256;
  static constexpr std::size_t stranger_frame = 64U << 10;  ///< before the hello
  static constexpr std::size_t reader_frame = 1U << 20;     ///< of those who are no daemon
  static constexpr std::chrono::seconds hello_patience{5};
  static constexpr std::chrono::seconds closing_patience{1};

 private:
  struct Connection {
    Peer peer;
    Outbox outbox;
    std::string role;  ///< empty before the hello
    bool closing = false;
    TimePoint deadline;  ///< of the hello, or of the close
  };
  void say(ConnectionId id, Outbox::Kind kind, const FrameBytes& frame);
  void say(ConnectionId id, const nlohmann::json& message) { say(id, Outbox::Kind::message, encode_frame(message)); }
  void queued(ConnectionId id, Connection& connection, Outbox::Outcome outcome);
  void close(ConnectionId id, const std::string& why);
  void forget(ConnectionId id, Connection& connection);
  void dispatch(ConnectionId id, Connection& connection, const std::string& op, const nlohmann::json& frame);
  void hello(ConnectionId id, Connection& connection, const nlohmann::json& frame);
  Result<> admit(const Connection& connection, const std::string& role, const nlohmann::json& frame) const;
  void publish_of(ConnectionId id, const Connection& connection, const nlohmann::json& frame);
  void sync(ConnectionId id, const Connection& connection);
  void request_of(ConnectionId id, const Connection& connection, const nlohmann::json& frame);
  void reply_of(ConnectionId id, const nlohmann::json& frame);
  void event_of(ConnectionId id, const Connection& connection, const nlohmann::json& frame);
  void ack_of(ConnectionId id, const nlohmann::json& frame);
  void tell_change(const std::string& topic, const FrameBytes& frame);

  BrokerHost& host_;
  BrokerOptions options_;
  std::map<ConnectionId, Connection> connections_;
  std::map<std::string, ConnectionId, std::less<>> by_role_;  ///< daemons
  Retained retained_;
  std::set<std::string> settled_;  ///< prefixes whose publisher has told all it has
  EventRing events_;
  RequestTable requests_;
  ConfigRelay relay_;
  ConnectionId next_ = nobody + 1;
};

}  // namespace ballast::bus
