#include <CLI/CLI.hpp>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/checkd/supervisor.hpp"
#include "daemons/checkd/suspension.hpp"

namespace ballast::checkd {
namespace {

constexpr std::string_view vrrp_prefix = "vrrp/";

std::string topic(const std::string& service, const std::string& server) { return "health/" + service + "/" + server; }

/// What checkd hears, brought to its parts.
class Ears {
 public:
  void attach(Supervisor& supervisor) { supervisor_ = &supervisor; }

  void apply(const config::Model& model) { supervisor_->apply(model, suspended_services(model, roles_)); }

  void update(const std::string& topic, const nlohmann::json& value) {
    if (!topic.starts_with(vrrp_prefix)) return;
    const auto instance = topic.substr(vrrp_prefix.size());
    const auto state = bus::decode<bus::VrrpState>(value);
    if (state)
      roles_[instance] = *state;
    else
      roles_.erase(instance);
    supervisor_->suspend(suspended_services(supervisor_->model(), roles_));
  }

 private:
  Supervisor* supervisor_ = nullptr;
  Roles roles_;
};

int run(const runtime::DaemonOptions& options) {
  if (const auto dropped = runtime::become_user("ballast"); !dropped) {
    log::error("cannot give up root's rights: {}", dropped.error().message);
    return 1;
  }
  Ears ears;
  bus::ClientHandlers handlers;
  handlers.apply = [&](const config::Model& model) { ears.apply(model); };
  handlers.update = [&](const std::string& topic, const nlohmann::json& value) { ears.update(topic, value); };
  runtime::Daemon daemon{options,
                         {.socket = options.run_dir / "bus.sock",
                          .role = "checkd",
                          .subscriptions = {std::string{vrrp_prefix}},
                          .configuration = true},
                         std::move(handlers)};
  Sink sink;
  sink.publish = [&](const bus::ServerHealth& health) {
    daemon.bus().publish(topic(health.service, health.server), health);
  };
  sink.withdraw = [&](const ServerKey& key) { daemon.bus().withdraw(topic(key.service, key.server)); };
  sink.event = [&](const bus::Event& event) { daemon.bus().event(event); };
  Supervisor supervisor{daemon.io(), std::move(sink)};
  ears.attach(supervisor);
  daemon.on_stop([&]() -> boost::asio::awaitable<void> {
    supervisor.stop();
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
