#include "common/bus/broker.hpp"

#include <algorithm>

namespace ballast::bus {

using nlohmann::json;

namespace {

std::string who(const std::string& role, const Peer& peer) {
  return fmt::format("{} (pid {})", role.empty() ? "a connection" : role, peer.pid);
}

}  // namespace

Broker::Broker(BrokerHost& host, BrokerOptions options)
    : host_{host},
      options_{std::move(options)},
      settled_{"admin/", "change/"},
      relay_{{[this](ConnectionId id, const FrameBytes& frame) { say(id, Outbox::Kind::config, frame); },
              [this](const std::string& role, const std::string& why) { host_.refused(role, why); }}} {}

ConnectionId Broker::connect(Peer peer) {
  const auto id = next_++;
  connections_.emplace(id, Connection{.peer = std::move(peer),
                                      .outbox = Outbox{options_.limits},
                                      .role = {},
                                      .closing = false,
                                      .deadline = host_.now() + hello_patience});
  if (connections_.size() > connection_limit)
    close(id, fmt::format("{} are connected, and no more may be", connection_limit));
  return id;
}

void Broker::queued(ConnectionId id, Connection& connection, Outbox::Outcome outcome) {
  if (outcome == Outbox::Outcome::overflowed) {
    host_.note(log::Level::warning,
               fmt::format("bus: {} reads too slowly; what waited for it is dropped, it gets a snapshot",
                           who(connection.role, connection.peer)));
  }
  if (outcome == Outbox::Outcome::full) return host_.drop(id);
  if (!connection.outbox.empty()) host_.wake(id);
}

void Broker::say(ConnectionId id, Outbox::Kind kind, const FrameBytes& frame) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.closing) return;
  queued(id, found->second, found->second.outbox.push(kind, frame));
}

void Broker::close(ConnectionId id, const std::string& why) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.closing) return;
  auto& connection = found->second;
  host_.note(log::Level::warning, fmt::format("bus: {} is sent away: {}", who(connection.role, connection.peer), why));
  say(id, {{"op", connection.role.empty() ? "refused" : "closing"}, {"reason", why}});
  connection.closing = true;
  connection.deadline = host_.now() + closing_patience;
  forget(id, connection);
  host_.wake(id);
}

void Broker::forget(ConnectionId id, Connection& connection) {
  const auto role = std::exchange(connection.role, {});
  if (role.empty()) return;
  relay_.left(id, host_.now());
  for (const auto& pending : requests_.left(id)) {
    reply(pending.asker, pending.id, fail("{} has ended before it answered '{}'", pending.to, pending.method));
  }
  if (!is_daemon(role)) return;
  by_role_.erase(role);
  withdraw("node/" + role);
  host_.note(log::Level::info, fmt::format("bus: {} is gone", who(role, connection.peer)));
}

void Broker::disconnected(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.closing = true;
  forget(id, found->second);
  connections_.erase(found);
}

void Broker::malformed(ConnectionId id, const std::string& why) { close(id, "a malformed frame: " + why); }

std::vector<FrameBytes> Broker::take(ConnectionId id, std::size_t bytes) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return {};
  return found->second.outbox.take(retained_, {settled_.begin(), settled_.end()}, bytes);
}

bool Broker::finished(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() || (found->second.closing && found->second.outbox.empty());
}

std::size_t Broker::frame_limit(ConnectionId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.role.empty()) return stranger_frame;
  return is_daemon(found->second.role) ? max_frame : reader_frame;
}

void Broker::tick() {
  const auto now = host_.now();
  relay_.tick(now);
  for (const auto& pending : requests_.expired(now)) {
    reply(pending.asker, pending.id,
          fail("{} has not answered '{}' within {:g} s", pending.to, pending.method,
               static_cast<double>(pending.patience.count()) / 1e3));
  }
  std::vector<ConnectionId> late;
  for (const auto& [id, connection] : connections_) {
    if ((connection.closing || connection.role.empty()) && connection.deadline <= now) late.push_back(id);
  }
  for (const auto id : late) {
    if (connections_.at(id).closing)
      host_.drop(id);
    else
      close(id, fmt::format("no hello within {} s", hello_patience.count()));
  }
}

std::optional<Broker::TimePoint> Broker::deadline() const {
  auto result = relay_.deadline();
  const auto consider = [&](const std::optional<TimePoint>& other) {
    if (other && (!result || *other < *result)) result = other;
  };
  consider(requests_.deadline());
  for (const auto& [id, connection] : connections_) {
    if (connection.closing || connection.role.empty()) consider(connection.deadline);
  }
  return result;
}

void Broker::tell_change(const std::string& topic, const FrameBytes& frame) {
  if (!frame) return;
  for (auto& [id, connection] : connections_) {
    if (!connection.closing) queued(id, connection, connection.outbox.change(topic, frame));
  }
}

void Broker::publish(const std::string& topic, const json& value) {
  tell_change(topic, retained_.set(topic, value, nobody));
}

void Broker::withdraw(const std::string& topic) { tell_change(topic, retained_.erase(topic)); }

void Broker::event(Event event) {
  if (event.time == 0) event.time = host_.unix_time();
  const auto frame = encode_frame({{"op", "event"}, {"event", event}});
  events_.add(std::move(event));
  for (auto& [id, connection] : connections_) {
    if (connection.closing || !connection.outbox.wants_events()) continue;
    queued(id, connection, connection.outbox.push(Outbox::Kind::state, frame));
  }
}

void Broker::reply(ConnectionId to, const json& id, const Result<json>& result) {
  json message{{"op", "reply"}, {"id", id}};
  if (result)
    message["value"] = *result;
  else
    message["error"] = result.error().message;
  auto frame = encode_frame(message);
  if (frame->size() > max_frame) {
    frame = encode_frame(
        {{"op", "reply"}, {"id", id}, {"error", fmt::format("the answer has {} bytes: ask for less", frame->size())}});
  }
  say(to, Outbox::Kind::message, frame);
}

}  // namespace ballast::bus
