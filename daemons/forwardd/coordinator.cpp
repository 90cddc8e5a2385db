#include "daemons/forwardd/coordinator.hpp"

#include <algorithm>

#include "common/runtime/log.hpp"

namespace ballast::forwardd {
using namespace std::chrono_literals;
namespace {

constexpr auto long_reconciliation = 5ms;
constexpr auto most_rest = 500ms;
constexpr auto retry_after = 2s;  ///< what the engine could not do is tried again
constexpr std::string_view health_prefix = "health/";
constexpr std::string_view admin_prefix = "admin/";
constexpr std::string_view vrrp_prefix = "vrrp/";

/// Seconds of a clock that nobody sets.
double steady_now() {
  return std::chrono::duration<double>{std::chrono::steady_clock::now().time_since_epoch()}.count();
}

std::chrono::steady_clock::time_point steady_time(double seconds) {
  return std::chrono::steady_clock::time_point{
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>{seconds})};
}

/// All but the counters, which are those of a moment.
bool same(const bus::ServiceServer& a, const bus::ServiceServer& b) {
  return a.address == b.address && a.port == b.port && a.method == b.method && a.weight == b.weight &&
         a.state == b.state && a.reason == b.reason;
}
bool same(const bus::ServiceState& a, const bus::ServiceState& b) {
  return a.address == b.address && a.port == b.port && a.protocol == b.protocol && a.engine == b.engine &&
         a.method == b.method && a.scheduler == b.scheduler && a.state == b.state && a.forwarding == b.forwarding &&
         a.sorry == b.sorry && a.reason == b.reason &&
         std::ranges::equal(a.servers, b.servers, [](const auto& x, const auto& y) { return same(x, y); });
}

void fill_in(bus::ServiceState& service, const std::map<std::string, ServerCounters>& counters) {
  for (auto& server : service.servers) {
    const auto address = net::IpAddress::parse(server.address);
    if (!address) continue;
    const auto found = counters.find(net::Endpoint{*address, server.port}.to_string());
    if (found == counters.end()) continue;
    const auto& counted = found->second;
    server.active = counted.active;
    server.inactive = counted.inactive;
    server.connections = counted.connections;
    server.packets_in = counted.packets_in;
    server.packets_out = counted.packets_out;
    server.bytes_in = counted.bytes_in;
    server.bytes_out = counted.bytes_out;
  }
}

/// Takes a message into a map; null and what cannot be read take it out.
template <class Message, class Map, class Project>
void take(Map& map, const std::string& key, const nlohmann::json& value, Project project) {
  if (value.is_null()) {
    map.erase(key);
    return;
  }
  const auto message = bus::decode<Message>(value);
  if (message)
    map[key] = project(*message);
  else
    log::warning("{}: a message that cannot be read is passed over: {}", key, message.error().message);
}

/// Of a server's key, `<service>/<endpoint>`.
std::string_view service_of(std::string_view key) { return key.substr(0, key.rfind('/')); }

Result<ConnectionFilter> filter_of(const nlohmann::json& params) {
  try {
    ConnectionFilter filter;
    filter.service = params.value("service", "");
    filter.client = params.value("client", "");
    filter.server = params.value("server", "");
    filter.limit = params.value("limit", filter.limit);
    return filter;
  } catch (const nlohmann::json::exception& exception) {
    return fail("connections: {}", exception.what());
  }
}

Result<TraceQuery> query_of(const nlohmann::json& params) try {
  TraceQuery query;
  const auto protocol = params.value("protocol", std::string{"tcp"});
  if (protocol != "tcp" && protocol != "udp") return fail("trace: protocol '{}' is none of tcp, udp", protocol);
  query.protocol = protocol == "tcp" ? config::Protocol::tcp : config::Protocol::udp;
  const auto source = net::Endpoint::parse(params.at("source").get<std::string>());
  const auto destination = net::Endpoint::parse(params.at("destination").get<std::string>());
  if (!source) return fail("trace: source: {}", source.error().message);
  if (!destination) return fail("trace: destination: {}", destination.error().message);
  query.source = *source;
  query.destination = *destination;
  query.tcp_flags = params.value("flags", query.tcp_flags);
  return query;
} catch (const nlohmann::json::exception& exception) {
  return fail("trace: {}", exception.what());
}

}  // namespace

Coordinator::Coordinator(boost::asio::io_context& io, Engine& engine, Outlet outlet)
    : io_{io}, engine_{engine}, outlet_{std::move(outlet)}, retry_{io}, rest_{io}, pace_{io}, traffic_timer_{io} {}

void Coordinator::apply(const config::Model& model) {
  services_.configure(model);
  for (const auto& service : traffic_.apply(model, steady_now())) outlet_.withdraw_traffic(service);
  await_traffic();
  // At once: who asked for it waits for it.
  if (may_reconcile()) reconcile();
}

bool Coordinator::may_reconcile() const { return services_.is_configured() && awaited_.empty(); }

void Coordinator::update(const std::string& topic, const nlohmann::json& value) {
  if (topic.starts_with(health_prefix)) {
    const auto key = topic.substr(health_prefix.size());
    take<bus::ServerHealth>(inputs_.health, key, value, [](const auto& health) { return health; });
    services_.service_changed(service_of(key));
  } else if (topic.starts_with(admin_prefix)) {
    const auto key = topic.substr(admin_prefix.size());
    take<bus::ServerAdmin>(inputs_.admin, key, value, [](const auto& admin) { return admin.state; });
    services_.service_changed(service_of(key));
  } else if (topic.starts_with(vrrp_prefix)) {
    take_role(topic.substr(vrrp_prefix.size()), value);
  }
  schedule();
}

void Coordinator::take_role(const std::string& instance, const nlohmann::json& value) {
  // Who still holds the addresses serves what still comes.
  take<bus::VrrpState>(inputs_.roles, instance, value,
                       [](const auto& state) { return state.holds_addresses ? bus::VrrpRole::master : state.state; });
  services_.role_changed(instance);
  if (!may_reconcile()) return;
  // A takeover does not wait for everything else to be computed.
  if (const auto done = engine_.set_roles(services_.roles(inputs_.roles)); !done) tell_errors({done.error()});
}

void Coordinator::snapshot_end(const std::string& prefix) {
  awaited_.erase(prefix);
  schedule();
}

void Coordinator::schedule() {
  if (scheduled_ || !may_reconcile()) return;
  scheduled_ = true;
  // With thousands of services a reconciliation takes long. Then what comes meanwhile is brought together, and others
  // (the bus, requests) have half of the time at least.
  rest_.expires_at(rested_);
  rest_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    scheduled_ = false;
    const auto begin = boost::asio::steady_timer::clock_type::now();
    reconcile();
    const auto end = boost::asio::steady_timer::clock_type::now();
    if (const auto took = end - begin; took > long_reconciliation)
      rested_ = end + std::min<decltype(took)>(took, most_rest);
  });
}

void Coordinator::reconcile() {
  const auto changes = services_.update(inputs_, steady_now());
  // What a server's reason says changes nothing for the engine.
  if (changes.state || engine_stale_) reconcile_engine();
  report(changes);
  pace_.cancel();
  if (changes.again) schedule_at(*changes.again);
}

void Coordinator::reconcile_engine() {
  const auto errors = engine_.reconcile(services_.state());
  tell_errors(errors);
  engine_stale_ = !errors.empty();
  retry_.cancel();
  if (errors.empty()) return;
  retry_.expires_after(retry_after);
  retry_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) schedule();
  });
}

void Coordinator::schedule_at(double time) {
  pace_.expires_at(steady_time(time));
  pace_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) schedule();
  });
}

void Coordinator::await_traffic() {
  traffic_timer_.cancel();
  const auto next = traffic_.next();
  if (!next) return;
  traffic_timer_.expires_at(steady_time(*next));
  traffic_timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) tell_traffic();
  });
}

void Coordinator::tell_traffic() {
  for (const auto& service : traffic_.due(steady_now())) {
    for (const auto& message : traffic_.take(service, engine_.traffic(service))) outlet_.publish_traffic(message);
  }
  await_traffic();
}

void Coordinator::tell_errors(const std::vector<Error>& errors) {
  std::set<std::string> now;
  for (const auto& error : errors) {
    if (!now.insert(error.message).second || errors_.contains(error.message)) continue;
    bus::Event event;
    event.kind = "engine";
    event.message = error.message;
    event.severity = "error";
    log::error("{}", error.message);
    outlet_.event(std::move(event));
  }
  errors_ = std::move(now);
}

void Coordinator::report(const Computation::Changes& changes) {
  for (const auto& service : changes.gone) outlet_.withdraw(service);
  for (const auto& [before, now] : changes.reports) {
    if (before && same(*before, *now)) continue;
    tell_change(before ? &*before : nullptr, *now);
    auto published = *now;
    fill_in(published, engine_.counters(now->name));
    outlet_.publish(published);
  }
}

void Coordinator::tell_change(const bus::ServiceState* before, const bus::ServiceState& now) {
  if (before != nullptr && before->state == now.state && before->sorry == now.sorry &&
      before->forwarding == now.forwarding)
    return;
  bus::Event event;
  event.kind = "service";
  event.subject = now.name;
  event.severity = now.state == bus::ServerStatus::down ? "warning" : "notice";
  event.message = fmt::format("service {}: {}{} ({})", now.name, name_of(now.state),
                              now.forwarding ? "" : ", not forwarding", now.reason);
  if (now.state == bus::ServerStatus::down)
    log::warning("{}", event.message);
  else
    log::notice("{}", event.message);
  outlet_.event(std::move(event));
}

std::vector<bus::ServiceState> Coordinator::services() {
  auto services = services_.reports();
  for (auto& service : services) fill_in(service, engine_.counters(service.name));
  return services;
}

Result<nlohmann::json> Coordinator::request(const std::string& method, const nlohmann::json& params) {
  if (method == "services") return nlohmann::json(services());
  if (method == "drops") return nlohmann::json(engine_.drops());
  if (method == "engine") return engine_.about();
  if (method == "connections") {
    const auto filter = filter_of(params);
    if (!filter) return filter.error();
    return nlohmann::json(engine_.connections(*filter));
  }
  if (method == "trace") {
    const auto query = query_of(params);
    if (!query) return query.error();
    const auto steps = engine_.trace(*query);
    if (!steps) return steps.error();
    return nlohmann::json(*steps);
  }
  return fail("forwardd has no request '{}', expected services, connections, drops, trace or engine", method);
}

}  // namespace ballast::forwardd
