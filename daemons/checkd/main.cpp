#include <linux/capability.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/checkd/rights.hpp"
#include "daemons/checkd/sources/sources.hpp"
#include "daemons/checkd/supervisor.hpp"
#include "daemons/checkd/suspension.hpp"

namespace ballast::checkd {
namespace {

constexpr std::string_view vrrp_prefix = "vrrp/";
constexpr std::string_view traffic_prefix = "traffic/";
constexpr std::string_view source_prefix = "source/";

std::string topic(const std::string& service, const std::string& server) { return "health/" + service + "/" + server; }
std::string source_topic(const std::string& service, unsigned number) {
  return fmt::format("{}{}/{}", source_prefix, service, number);
}

SourceSink source_sink(runtime::Daemon& daemon) {
  return {.publish =
              [&](const bus::SourceState& state) {
                daemon.bus().publish(source_topic(state.service, state.number), state);
              },
          .withdraw = [&](const std::string& service,
                          unsigned number) { daemon.bus().withdraw(source_topic(service, number)); },
          .event = [&](const bus::Event& event) { daemon.bus().event(event); }};
}

/// What checkd hears, brought to its parts.
class Ears {
 public:
  void attach(Supervisor& supervisor, Sources& sources) {
    supervisor_ = &supervisor;
    sources_ = &sources;
  }

  void apply(const config::Model& model) {
    rights_.settle(model);
    supervisor_->apply(model, suspended_services(model, roles_));
    sources_->apply(model);
  }

  void update(const std::string& topic, const nlohmann::json& value) {
    if (topic.starts_with(traffic_prefix)) return take_traffic(topic, value);
    if (topic.starts_with(source_prefix)) return take_source(topic, value);
    if (!topic.starts_with(vrrp_prefix)) return;
    const auto instance = topic.substr(vrrp_prefix.size());
    const auto state = bus::decode<bus::VrrpState>(value);
    if (state)
      roles_[instance] = *state;
    else
      roles_.erase(instance);
    supervisor_->suspend(suspended_services(supervisor_->model(), roles_));
  }

  void snapshot_end(std::string_view prefix) {
    if (prefix == source_prefix) sources_->begin();
  }

 private:
  void take_traffic(const std::string& topic, const nlohmann::json& value) {
    if (value.is_null()) return;
    if (const auto traffic = bus::decode<bus::ServiceTraffic>(value))
      supervisor_->on_traffic(*traffic);
    else
      log::warning("{} cannot be read and is passed over: {}", topic, traffic.error().message);
  }

  void take_source(const std::string& topic, const nlohmann::json& value) {
    if (value.is_null()) return;
    if (const auto state = bus::decode<bus::SourceState>(value))
      sources_->recall(*state);
    else
      log::warning("{} cannot be read and is passed over: {}", topic, state.error().message);
  }

  Supervisor* supervisor_ = nullptr;
  Sources* sources_ = nullptr;
  Rights rights_;
  Roles roles_;
};

/// A probe is an open file for as long as it takes, and all servers may be silent at once.
void allow_many_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int run(const runtime::DaemonOptions& options) {
  allow_many_files();
  if (const auto dropped = runtime::become_user("ballast", {CAP_NET_RAW}); !dropped) {
    log::error("cannot give up root's rights: {}", dropped.error().message);
    return 1;
  }
  Ears ears;
  bus::ClientHandlers handlers;
  handlers.apply = [&](const config::Model& model) { ears.apply(model); };
  handlers.update = [&](const std::string& topic, const nlohmann::json& value) { ears.update(topic, value); };
  handlers.snapshot_end = [&](const std::string& prefix) { ears.snapshot_end(prefix); };
  runtime::Daemon daemon{
      options,
      {.socket = options.run_dir / "bus.sock",
       .role = "checkd",
       .subscriptions = {std::string{vrrp_prefix}, std::string{traffic_prefix}, std::string{source_prefix}},
       .configuration = true},
      std::move(handlers)};
  Sink sink;
  sink.publish = [&](const bus::ServerHealth& health) {
    daemon.bus().publish(topic(health.service, health.server), health);
  };
  sink.withdraw = [&](const ServerKey& key) { daemon.bus().withdraw(topic(key.service, key.server)); };
  sink.event = [&](const bus::Event& event) { daemon.bus().event(event); };
  auto ask_scriptd = [&](std::string method, nlohmann::json params, std::chrono::milliseconds timeout) {
    return daemon.bus().request("scriptd", std::move(method), std::move(params), timeout);
  };
  Supervisor supervisor{daemon.io(), std::move(sink), std::move(ask_scriptd)};
  Sources sources{daemon.io(), source_sink(daemon)};
  ears.attach(supervisor, sources);
  daemon.on_stop([&]() -> boost::asio::awaitable<void> {
    supervisor.stop();
    sources.stop();
    co_return;
  });
  return daemon.run();
}

}  // namespace
}  // namespace ballast::checkd

int main(int argc, char** argv) {
  CLI::App app{"Ballast's health checks: probes the real servers of the configuration and tells the bus how they are."};
  ballast::runtime::DaemonOptions options;
  options.role = "checkd";
  ballast::runtime::add_daemon_options(app, options);
  CLI11_PARSE(app, argc, argv);
  return ballast::checkd::run(options);
}
