#include "common/bus/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "common/bus/client_link.hpp"
#include "common/bus/config_transfer.hpp"
#include "common/bus/known_topics.hpp"
#include "common/runtime/log.hpp"

namespace ballast::bus {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds first_delay = 20ms;
constexpr std::chrono::milliseconds longest_delay = 1s;
constexpr std::chrono::milliseconds drain_limit = 1s;
constexpr std::size_t waiting_events_limit = 1000;
constexpr std::chrono::milliseconds still_starting = 500ms;

struct PendingRequest {
  explicit PendingRequest(asio::io_context& io) : timer{io} {}
  asio::steady_timer timer;
  std::optional<Result<json>> result;
};

FrameBytes publish_frame(const std::string& topic, const json& value) {
  return encode_frame({{"op", "publish"}, {"topic", topic}, {"value", value}});
}

}  // namespace

struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
  Impl(asio::io_context& context, ClientOptions client_options, ClientHandlers client_handlers)
      : io{context},
        options{std::move(client_options)},
        handlers{std::move(client_handlers)},
        participant{handlers.validate},
        pause{context},
        first_attempt{context, asio::steady_timer::time_point::max()} {}

  asio::awaitable<void> run();
  asio::awaitable<Error> session();
  Result<> handle(const json& frame);
  Result<> handle_greeting(const std::string& op, const json& frame);
  void handle_topics(const std::string& op, const json& frame);
  void handle_configuration(const std::string& op, const json& frame);
  void handle_reply(const json& frame);
  void welcomed(const json& frame);
  void lost(const Error& reason);
  void vanish(const std::vector<std::string>& topics);
  void note(const Error& reason);
  asio::awaitable<void> answer(json id, Asker asker, std::string method, json params);
  asio::awaitable<Result<json>> request(std::string to, std::string method, json params,
                                        std::chrono::milliseconds timeout);
  void close();
  void send(const json& message) {
    if (link) link->send(encode_frame(message));
  }
  template <class Action>
  void guarded(Action action);

  asio::io_context& io;
  ClientOptions options;
  ClientHandlers handlers;
  ConfigParticipant participant;
  KnownTopics topics;
  asio::steady_timer pause;
  asio::steady_timer first_attempt;  ///< cancelled once the outcome of the first attempt to connect is known
  std::shared_ptr<ClientLink> link;
  std::map<std::string, FrameBytes> published;
  std::deque<FrameBytes> waiting_events;
  std::map<std::uint64_t, std::shared_ptr<PendingRequest>> requests;
  std::uint64_t next_request = 1;
  std::string last_problem = "not connected to ballastd";
  bool started = false;
  bool stopped = false;
  bool connected = false;
  bool attempted = false;
  bool was_connected = false;
};

/// A handler's exception costs that message, not the connection.
template <class Action>
void Client::Impl::guarded(Action action) {
  if (stopped) return;
  try {
    action();
  } catch (const std::exception& exception) {
    log::error("a message from the bus could not be used: {}", exception.what());
  }
}

void Client::Impl::note(const Error& reason) {
  if (options.role != "ctl" && reason.message != last_problem) log::warning("bus: {}; trying again", reason.message);
  last_problem = reason.message;
  attempted = true;
  first_attempt.cancel();
}

asio::awaitable<void> Client::Impl::run() {
  const auto self = shared_from_this();
  auto delay = first_delay;
  while (!stopped) {
    const auto ended = co_await session();
    if (stopped) break;
    if (connected) {
      delay = first_delay;
      lost(ended);
    } else {
      note(ended);
    }
    link.reset();
    pause.expires_after(delay);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    delay = std::min(delay * 2, longest_delay);
  }
}

asio::awaitable<Error> Client::Impl::session() {
  const auto current = std::make_shared<ClientLink>(io, [this](const std::string& topic) {
    const auto found = published.find(topic);
    return found == published.end() ? publish_frame(topic, nullptr) : found->second;
  });
  link = current;
  if (auto result = co_await current->connect(options.socket); !result) co_return result.error();
  send({{"op", "hello"},
        {"role", options.role},
        {"version", BALLAST_VERSION},
        {"protocol", protocol_version},
        {"pid", getpid()},
        {"configuration", options.configuration}});
  auto ended = co_await current->receive([this](const json& frame) { return handle(frame); });
  current->close();
  co_return ended;
}

void Client::Impl::lost(const Error& reason) {
  connected = false;
  last_problem = "connection to ballastd lost: " + reason.message;
  participant.abort();
  if (options.role != "ctl") log::warning("bus: {}; going on with what is known", last_problem);
  for (const auto& [id, request] : std::exchange(requests, {})) {
    request->result = fail("{}", last_problem);
    request->timer.cancel();
  }
  guarded([&] {
    if (handlers.connected) handlers.connected(false);
  });
}

void Client::Impl::welcomed(const json& frame) {
  connected = true;
  attempted = true;
  first_attempt.cancel();
  last_problem = "not connected to ballastd";
  topics.connected(frame.value("instance", ""));
  for (const auto& [topic, bytes] : published) link->send_latest(topic);
  // Only a process that has been running a configuration knows all of its topics.
  if (was_connected && participant.has_applied()) send({{"op", "sync"}});
  for (const auto& prefix : options.subscriptions) send({{"op", "subscribe"}, {"prefix", prefix}});
  for (const auto& event : std::exchange(waiting_events, {})) link->send(event);
  was_connected = true;
  if (options.role != "ctl") log::info("bus: connected to ballastd {}", frame.value("version", "?"));
  guarded([&] {
    if (handlers.connected) handlers.connected(true);
  });
}

Result<> Client::Impl::handle_greeting(const std::string& op, const json& frame) {
  if (op == "refused") return fail("ballastd refuses us: {}", frame.value("reason", "no reason given"));
  if (op != "welcome") return fail("ballastd began with '{}' instead of a welcome", op);
  welcomed(frame);
  return {};
}

Result<> Client::Impl::handle(const json& frame) {
  if (stopped) return fail("stopped");
  try {
    const auto op = frame.at("op").get<std::string>();
    if (!connected) return handle_greeting(op, frame);
    if (op == "closing") return fail("{}", frame.value("reason", "closed by ballastd"));
    if (op == "reply") {
      handle_reply(frame);
    } else if (op == "request") {
      asio::co_spawn(io,
                     answer(frame.at("id"), {frame.value("from", ""), frame.value("may_change", false)},
                            frame.at("method").get<std::string>(), frame.value("params", json::object())),
                     asio::detached);
    } else if (op == "event") {
      guarded([&] {
        if (handlers.event) handlers.event(frame.at("event").get<Event>());
      });
    } else {
      handle_topics(op, frame);
      handle_configuration(op, frame);
    }
  } catch (const json::exception& exception) {
    return fail("a message that cannot be read ({})", exception.what());
  }
  return {};
}

void Client::Impl::vanish(const std::vector<std::string>& gone) {
  for (const auto& topic : gone) {
    guarded([&] {
      if (handlers.update) handlers.update(topic, nullptr);
    });
  }
}

void Client::Impl::handle_topics(const std::string& op, const json& frame) {
  if (op == "update") {
    const auto& topic = frame.at("topic").get_ref<const std::string&>();
    const auto& value = frame.at("value");
    if (value.is_null())
      topics.withdrawn(topic);
    else
      topics.updated(topic);
    guarded([&] {
      if (handlers.update) handlers.update(topic, value);
    });
  } else if (op == "snapshot-begin") {
    topics.snapshot_begin(frame.at("prefix").get<std::string>());
  } else if (op == "snapshot-end") {
    const auto prefix = frame.at("prefix").get<std::string>();
    vanish(topics.snapshot_end(prefix, frame.at("settled").get<std::vector<std::string>>()));
    guarded([&] {
      if (handlers.snapshot_end) handlers.snapshot_end(prefix);
    });
  } else if (op == "settled") {
    vanish(topics.settled(frame.at("prefixes").get<std::vector<std::string>>()));
  }
}

void Client::Impl::handle_configuration(const std::string& op, const json& frame) {
  if (op == "config") {
    participant.object(frame);
  } else if (op == "commit") {
    send(participant.commit(frame));
  } else if (op == "abort") {
    participant.abort();
  } else if (op == "apply") {
    if (const auto* model = participant.apply(frame)) {
      guarded([&] {
        if (handlers.apply) handlers.apply(*model);
      });
    }
    send({{"op", "applied"}, {"generation", frame.at("generation")}});
  }
}

void Client::Impl::handle_reply(const json& frame) {
  const auto found = requests.find(frame.at("id").get<std::uint64_t>());
  if (found == requests.end()) return;  // it has timed out
  if (frame.contains("error"))
    found->second->result = fail("{}", frame.at("error").get<std::string>());
  else
    found->second->result = frame.at("value");
  found->second->timer.cancel();
}

asio::awaitable<void> Client::Impl::answer(json id, Asker asker, std::string method, json params) {
  const auto self = shared_from_this();
  const auto asked_by = link;
  Result<json> result = fail("{} answers no requests", options.role);
  try {
    if (handlers.request_from)
      result = co_await handlers.request_from(std::move(asker), std::move(method), std::move(params));
    else if (handlers.request)
      result = co_await handlers.request(std::move(method), std::move(params));
  } catch (const std::exception& exception) {
    result = fail("{}", exception.what());
  }
  json reply{{"op", "reply"}, {"id", std::move(id)}};
  if (result)
    reply["value"] = std::move(*result);
  else
    reply["error"] = result.error().message;
  if (asked_by) asked_by->send(encode_frame(reply));
}

asio::awaitable<Result<json>> Client::Impl::request(std::string to, std::string method, json params,
                                                    std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  if (started && !attempted) {
    first_attempt.expires_after(std::min(timeout, still_starting));
    co_await first_attempt.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!connected) co_return fail("{}", last_problem);
  const auto id = next_request++;
  const auto pending = std::make_shared<PendingRequest>(io);
  requests.emplace(id, pending);
  // ballastd forgets it a little later than we do.
  const auto patience = static_cast<double>((timeout + still_starting).count()) / 1e3;
  send({{"op", "request"},
        {"id", id},
        {"to", to},
        {"method", method},
        {"params", std::move(params)},
        {"patience", patience}});
  pending->timer.expires_after(timeout);
  if (!pending->result) co_await pending->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  requests.erase(id);
  if (pending->result) co_return std::move(*pending->result);
  co_return fail("{} has not answered '{}' within {} ms", to, method, timeout.count());
}

void Client::Impl::close() {
  stopped = true;
  connected = false;
  pause.cancel();
  first_attempt.cancel();
  if (link) link->close();
  for (const auto& [id, request] : requests) request->timer.cancel();
}

Client::Client(asio::io_context& io, ClientOptions options, ClientHandlers handlers)
    : impl_{std::make_shared<Impl>(io, std::move(options), std::move(handlers))} {}

Client::~Client() { impl_->close(); }

void Client::start() {
  if (std::exchange(impl_->started, true)) return;
  asio::co_spawn(
      impl_->io, [impl = impl_] { return impl->run(); }, asio::detached);
}

void Client::subscribe(const std::string& prefix) {
  auto& all = impl_->options.subscriptions;
  if (std::ranges::find(all, prefix) != all.end()) return;
  all.push_back(prefix);
  if (impl_->connected) impl_->send({{"op", "subscribe"}, {"prefix", prefix}});
}

asio::awaitable<void> Client::stop() {
  const auto impl = impl_;
  if (impl->connected && impl->link) co_await impl->link->drain(drain_limit);
  impl->close();
}

void Client::publish(const std::string& topic, json value) {
  auto bytes = publish_frame(topic, value);
  auto& last = impl_->published[topic];
  if (last && *last == *bytes) return;
  last = std::move(bytes);
  if (impl_->connected) impl_->link->send_latest(topic);
}

void Client::withdraw(const std::string& topic) {
  if (impl_->published.erase(topic) == 0) return;
  if (impl_->connected) impl_->link->send_latest(topic);
}

void Client::event(Event event) {
  auto bytes = encode_frame({{"op", "event"}, {"event", event}});
  if (impl_->connected)
    impl_->link->send(std::move(bytes));
  else if (impl_->waiting_events.size() < waiting_events_limit)
    impl_->waiting_events.push_back(std::move(bytes));
}

asio::awaitable<Result<json>> Client::request(std::string to, std::string method, json params,
                                              std::chrono::milliseconds timeout) {
  return impl_->request(std::move(to), std::move(method), std::move(params), timeout);
}

bool Client::is_connected() const { return impl_->connected; }

}  // namespace ballast::bus
