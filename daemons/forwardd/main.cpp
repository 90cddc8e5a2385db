// forwardd: keeps the data path at what configuration, health and VRRP roles ask for.
#include <linux/capability.h>

#include <CLI/CLI.hpp>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/forwardd/coordinator.hpp"
#include "daemons/forwardd/engines.hpp"
#include "daemons/forwardd/xdp/engine_xdp.hpp"

namespace ballast::forwardd {
namespace {

namespace asio = boost::asio;

constexpr std::string_view ipvs_record = "ipvs.json";

/// The data path out of the kernel, with what a former forwardd set up in IPVS.
Result<> unload(const runtime::DaemonOptions& options, const std::filesystem::path& pin_dir) {
  asio::io_context io;
  ipvs::IpvsEngine ipvs{io, {.record = options.run_dir / ipvs_record}};
  const auto services = ipvs.unload();
  const auto programs = xdp::remove_everything(pin_dir);
  return services ? programs : services;
}

/// Before a configuration is taken: this kernel can do what it asks for.
Result<> validate(const config::Model& model) {
  for (const auto& service : model.virtual_servers) {
    if (service.engine != config::EngineKind::ipvs) continue;
    const auto kernel = ipvs::open_kernel();
    return kernel ? Result<>{} : fail("virtual_server {}: {}", service.name, kernel.error().message);
  }
  return {};
}

bus::ClientHandlers handlers_for(std::unique_ptr<Coordinator>& coordinator) {
  bus::ClientHandlers handlers;
  handlers.validate = [](const config::Model& model) { return validate(model); };
  handlers.apply = [&](const config::Model& model) { coordinator->apply(model); };
  handlers.update = [&](const std::string& topic, const nlohmann::json& value) { coordinator->update(topic, value); };
  handlers.snapshot_end = [&](const std::string& prefix) { coordinator->snapshot_end(prefix); };
  handlers.request = [&](std::string method, nlohmann::json params) -> asio::awaitable<Result<nlohmann::json>> {
    co_return coordinator->request(method, params);
  };
  return handlers;
}

Outlet outlet_to(bus::Client& bus) {
  return {[&bus](const bus::ServiceState& service) { bus.publish("service/" + service.name, service); },
          [&bus](const std::string& service) { bus.withdraw("service/" + service); },
          [&bus](bus::Event event) { bus.event(std::move(event)); },
          [&bus](const bus::ServiceTraffic& traffic) { bus.publish("traffic/" + traffic.service, traffic); },
          [&bus](const std::string& service) { bus.withdraw("traffic/" + service); }};
}

int run(const runtime::DaemonOptions& options, const std::filesystem::path& pin_dir) {
  std::unique_ptr<Coordinator> coordinator;
  runtime::Daemon daemon{options,
                         {.socket = options.run_dir / "bus.sock",
                          .role = "forwardd",
                          .subscriptions = {"health/", "admin/", "vrrp/"},
                          .configuration = true},
                         handlers_for(coordinator)};
  const auto tell = [&daemon](bus::Event event) {
    log::write(event.severity == "error"     ? log::Level::error
               : event.severity == "warning" ? log::Level::warning
                                             : log::Level::notice,
               event.message);
    daemon.bus().event(std::move(event));
  };
  // Its unit makes the folder before forwardd starts.
  const bool was_used = std::filesystem::exists(pin_dir) && !std::filesystem::is_empty(pin_dir);
  auto xdp = xdp::XdpEngine::open(
      daemon.io(), {.pin_dir = pin_dir, .tell = tell, .network_changed = [&] { coordinator->network_changed(); }});
  if (!xdp) {
    log::error("{}", xdp.error().message);
    return 1;
  }
  ipvs::IpvsEngine ipvs{daemon.io(), {.record = options.run_dir / ipvs_record, .tell = tell, .failed = [&] {
                                        coordinator->network_changed();
                                      }}};
  Engines engines{**xdp, ipvs, was_used};
  coordinator = std::make_unique<Coordinator>(daemon.io(), engines, outlet_to(daemon.bus()));
  if (const auto kept = runtime::keep_capabilities({CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON}); !kept) {
    log::warning("{}", kept.error().message);
  }
  const int status = daemon.run();
  coordinator.reset();
  return status;
}

}  // namespace
}  // namespace ballast::forwardd

int main(int argc, char** argv) {
  CLI::App app{"Ballast's layer-4 forwarding: keeps the XDP data path at what configuration, health and VRRP ask for."};
  ballast::runtime::DaemonOptions options{.role = "forwardd"};
  ballast::runtime::add_daemon_options(app, options);
  std::filesystem::path pin_dir = "/sys/fs/bpf/ballast";
  app.add_option("--pin-dir", pin_dir, "Where the data path is pinned, in a BPF file system")->capture_default_str();
  bool unload = false;
  app.add_flag("--unload", unload, "take the data path out of the kernel, with its connections, and end");
  CLI11_PARSE(app, argc, argv);
  ballast::log::configure("forwardd", options.verbose ? ballast::log::Level::debug : ballast::log::Level::info);
  if (!unload) return ballast::forwardd::run(options, pin_dir);
  const auto done = ballast::forwardd::unload(options, pin_dir);
  if (!done) ballast::log::error("{}", done.error().message);
  return done ? 0 : 1;
}
