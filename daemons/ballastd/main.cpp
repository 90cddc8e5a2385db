// ballastd: reads the configuration, hands it to the family, and is the bus between them.
#include <CLI/CLI.hpp>
#include <csignal>

#include "common/runtime/log.hpp"
#include "daemons/ballastd/node.hpp"

int main(int argc, char** argv) {
  using namespace ballast;
  ballastd::NodeOptions options;
  CLI::App app{"Ballast's configuration and local bus"};
  app.add_option("-f,--config", options.config, "The configuration, in keepalived's language")->capture_default_str();
  app.add_flag("--standalone", options.standalone, "Start, watch and restart vrrpd, scriptd, checkd and forwardd");
  app.add_option("--run-dir", options.run_dir, "Where the socket and state files are")->capture_default_str();
  app.add_option("--pin-dir", options.pin_dir, "Where forwardd pins its maps (standalone)")->capture_default_str();
  app.add_option("--state-dir", options.state_dir,
                 "Where the operators' word about servers is kept; else the run directory");
  app.add_option("--config-id", options.config_id, "What @ID lines are compared with; else the short host name");
  app.add_flag("--unload-on-exit", options.unload_on_exit,
               "Take the data path out of the kernel at the end (standalone)");
  app.add_flag("-v,--verbose", options.verbose, "Log what is of use only when looking for a fault");
  app.set_version_flag("--version", std::string{"ballast "} + BALLAST_VERSION);
  CLI11_PARSE(app, argc, argv);

  log::configure("ballastd", options.verbose ? log::Level::debug : log::Level::info);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): a log pipe whose reader went away is no death
  return ballastd::Node{std::move(options)}.run();
}
