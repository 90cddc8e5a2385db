// The Broker's answers to each kind of frame.
#include <algorithm>

#include "common/bus/broker.hpp"

namespace ballast::bus {

using nlohmann::json;

namespace {

constexpr std::size_t longest_prefix = 1024;
constexpr std::size_t most_subscriptions = 64;

/// How long an asker wants to wait: `patience`, in seconds.
std::chrono::milliseconds patience_of(const json& frame) {
  const auto wanted = frame.find("patience");
  if (wanted == frame.end()) return RequestTable::patience;
  constexpr std::chrono::duration<double> most = RequestTable::longest_patience;
  const auto seconds = std::clamp(wanted->get<double>(), 0.001, most.count());
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1e3)};
}

}  // namespace

void Broker::receive(ConnectionId id, const json& frame) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.closing) return;
  try {
    dispatch(id, found->second, frame.at("op").get<std::string>(), frame);
  } catch (const json::exception& exception) {
    close(id, fmt::format("a message that cannot be read ({})", exception.what()));
  }
}

void Broker::dispatch(ConnectionId id, Connection& connection, const std::string& op, const json& frame) {
  if (connection.role.empty()) {
    if (op != "hello") return close(id, fmt::format("'{}' before the hello", op));
    return hello(id, connection, frame);
  }
  if (op == "publish") return publish_of(id, connection, frame);
  if (op == "event") return event_of(id, connection, frame);
  if (op == "request") return request_of(id, connection, frame);
  if (op == "reply") return reply_of(id, frame);
  if (op == "ack") return ack_of(id, frame);
  if (op == "applied") return relay_.carried_out(id, frame.at("generation").get<std::uint64_t>());
  if (op == "sync") return sync(id, connection);
  if (op != "subscribe") return close(id, fmt::format("there is no '{}' on this bus", op));
  auto prefix = frame.at("prefix").get<std::string>();
  if (prefix.size() > longest_prefix || !connection.outbox.subscribe(std::move(prefix), most_subscriptions)) {
    return close(id, "too many subscriptions");
  }
  host_.wake(id);
}

Result<> Broker::admit(const Connection& connection, const std::string& role, const json& frame) const {
  const auto protocol = frame.at("protocol").get<int>();
  if (protocol != protocol_version) {
    return fail(
        "ballastd {} speaks version {} of the bus, {} speaks version {}: install the same Ballast for all and restart",
        BALLAST_VERSION, protocol_version, role, protocol);
  }
  if (auto allowed = may_be(options_.accounts, connection.peer, role); !allowed) return allowed;
  if (const auto other = by_role_.find(role); other != by_role_.end()) {
    return fail("a {} is connected already (pid {})", role, connections_.at(other->second).peer.pid);
  }
  return {};
}

void Broker::hello(ConnectionId id, Connection& connection, const json& frame) {
  const auto role = frame.at("role").get<std::string>();
  const bool configuration = frame.value("configuration", false);
  if (const auto admitted = admit(connection, role, frame); !admitted) return close(id, admitted.error().message);
  connection.role = role;
  if (is_daemon(role)) {
    by_role_.emplace(role, id);
    host_.note(log::Level::info,
               fmt::format("bus: {} (pid {}, user {}) is here", role, connection.peer.pid, connection.peer.user));
  }
  say(id, {{"op", "welcome"},
           {"version", BALLAST_VERSION},
           {"protocol", protocol_version},
           {"instance", options_.instance}});
  if (configuration && is_daemon(role)) relay_.joined(id, role, host_.now());
}

void Broker::publish_of(ConnectionId id, const Connection& connection, const json& frame) {
  const auto topic = frame.at("topic").get<std::string>();
  const auto& value = frame.at("value");
  if (const auto allowed = may_publish(connection.role, topic); !allowed) return close(id, allowed.error().message);
  const auto change = value.is_null() ? retained_.erase(topic) : retained_.set(topic, value, id);
  tell_change(topic, change);
  if (change) host_.published(topic);
}

/// The publisher has told all it has: what an earlier one of its role told and it did not is over.
void Broker::sync(ConnectionId id, const Connection& connection) {
  const auto prefixes = prefixes_of(connection.role);
  if (prefixes.empty() || !is_daemon(connection.role)) return;
  for (const auto& prefix : prefixes) {
    for (const auto& topic : retained_.not_of(id, prefix)) withdraw(topic);
    settled_.insert(prefix);
  }
  const auto frame = encode_frame({{"op", "settled"}, {"prefixes", prefixes}});
  for (auto& [other, reader] : connections_) {
    if (!reader.closing && !reader.role.empty()) queued(other, reader, reader.outbox.push(Outbox::Kind::state, frame));
  }
}

void Broker::request_of(ConnectionId id, const Connection& connection, const json& frame) {
  const auto number = frame.at("id").get<std::uint64_t>();
  auto to = frame.at("to").get<std::string>();
  auto method = frame.at("method").get<std::string>();
  auto params = frame.value("params", json::object());
  if (to == "ballastd") {
    return host_.request({.from = id,
                          .id = number,
                          .method = std::move(method),
                          .params = std::move(params),
                          .user = connection.peer.user,
                          .may_change = may_change(options_.accounts, connection.peer)});
  }
  const auto target = by_role_.find(to);
  if (target == by_role_.end()) return reply(id, number, fail("{} is not connected to ballastd: is it running?", to));
  const auto limit = is_daemon(connection.role) ? RequestTable::limit_of_daemons : RequestTable::limit_of_people;
  if (requests_.count_of(id) >= limit) return reply(id, number, fail("{} requests are waiting already", limit));
  const auto patience = patience_of(frame);
  const auto ours = requests_.add({.asker = id,
                                   .id = number,
                                   .target = target->second,
                                   .to = to,
                                   .method = method,
                                   .patience = patience,
                                   .deadline = host_.now() + patience});
  say(target->second, {{"op", "request"},
                       {"id", ours},
                       {"method", std::move(method)},
                       {"params", std::move(params)},
                       {"from", connection.role},
                       {"may_change", may_change(options_.accounts, connection.peer)}});
}

void Broker::reply_of(ConnectionId id, const json& frame) {
  const auto pending = requests_.answered(frame.at("id").get<std::uint64_t>(), id);
  if (!pending) return;  // its asker is gone, or was told that it took too long
  if (const auto error = frame.find("error"); error != frame.end()) {
    reply(pending->asker, pending->id, fail("{}", error->get<std::string>()));
  } else {
    reply(pending->asker, pending->id, frame.at("value"));
  }
}

void Broker::event_of(ConnectionId id, const Connection& connection, const json& frame) {
  if (!is_daemon(connection.role)) return close(id, fmt::format("{} has no events to tell", connection.role));
  auto told = frame.at("event").get<Event>();
  told.daemon = connection.role;
  event(std::move(told));
}

void Broker::ack_of(ConnectionId id, const json& frame) {
  const auto generation = frame.at("generation").get<std::uint64_t>();
  Result<> verdict{};
  if (!frame.at("ok").get<bool>()) verdict = fail("{}", frame.value("error", "no reason given"));
  relay_.acknowledged(id, generation, verdict, {frame.value("changes", false), frame.value("says_applied", false)},
                      host_.now());
}

}  // namespace ballast::bus
