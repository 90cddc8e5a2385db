#include <CLI/CLI.hpp>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/checkd/supervisor.hpp"

namespace ballast::checkd {
namespace {

std::string topic(const std::string& service, const std::string& server) { return "health/" + service + "/" + server; }

int run(const runtime::DaemonOptions& options) {
  if (const auto dropped = runtime::become_user("ballast"); !dropped) {
    log::error("cannot give up root's rights: {}", dropped.error().message);
    return 1;
  }
  std::unique_ptr<Supervisor> supervisor;
  bus::ClientHandlers handlers;
  handlers.apply = [&](const config::Model& model) { supervisor->apply(model); };
  runtime::Daemon daemon{options,
                         {.socket = options.run_dir / "bus.sock", .role = "checkd", .subscriptions = {}, .configuration = true},
                         std::move(handlers)};
  Sink sink;
  sink.publish = [&](const bus::ServerHealth& health) { daemon.bus().publish(topic(health.service, health.server), health); };
  sink.withdraw = [&](const ServerKey& key) { daemon.bus().withdraw(topic(key.service, key.server)); };
  sink.event = [&](const bus::Event& event) { daemon.bus().event(event); };
  supervisor = std::make_unique<Supervisor>(daemon.io(), std::move(sink));
  daemon.on_stop([&]() -> boost::asio::awaitable<void> {
    supervisor->stop();
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
