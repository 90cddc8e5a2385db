// scriptd: runs people's programs, for vrrp_scripts and notifications. It takes commands from the configuration alone.
#include <linux/capability.h>

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "common/runtime/daemon.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/privileges.hpp"
#include "daemons/scriptd/policy/commands.hpp"
#include "daemons/scriptd/shell/checks.hpp"
#include "daemons/scriptd/shell/hooks.hpp"
#include "daemons/scriptd/shell/notifier.hpp"
#include "daemons/scriptd/shell/prepare.hpp"
#include "daemons/scriptd/shell/script_loop.hpp"
#include "daemons/scriptd/shell/service_notifier.hpp"

namespace ballast::scriptd {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::string_view instances = "vrrp/";
constexpr std::string_view groups = "vrrp-group/";
constexpr std::string_view servers = "health/";
constexpr std::string_view services = "service/";
constexpr auto last_words = 200ms;  ///< of a vrrpd that has just ended, on their way here
constexpr auto drain_limit = 4s;
constexpr auto usual_stop = 6s;  ///< without a shutdown script
constexpr auto poll = 20ms;

template <class T>
std::optional<T> read(const std::string& topic, const nlohmann::json& value, bool& good) {
  good = true;
  if (value.is_null()) return std::nullopt;
  auto state = bus::decode<T>(value);
  good = bool{state};
  if (good) return std::move(*state);
  log::error("{}: {}", topic, state.error().message);
  return std::nullopt;
}

/// All that scriptd does.
struct Office {
  Office(asio::io_context& context, bus::Client& client, const std::filesystem::path& run_dir)
      : io{context},
        runner{context},
        loops{context, runner,
              ScriptSink{[&client](const bus::ScriptState& state) { client.publish("script/" + state.name, state); },
                         [&client](const std::string& name) { client.withdraw("script/" + name); },
                         [&client](bus::Event event) { client.event(std::move(event)); }}},
        checks{context, runner},
        pipes{context, runner},
        post{context, runner},
        hooks{context, runner},
        notifier{context, runner, pipes, post, run_dir},
        service_notifier{context, runner, pipes, post, run_dir},
        bus{client} {}

  void apply(const config::Model& model);
  void update(const std::string& topic, const nlohmann::json& value);
  asio::awaitable<void> finish();

  asio::io_context& io;
  Runner runner;
  ScriptLoops loops;
  Checks checks;
  Pipes pipes;
  Post post;
  Hooks hooks;
  Notifier notifier;
  ServiceNotifier service_notifier;
  bool tells_of_services = false;  ///< from the first configuration that asks for it
  bus::Client& bus;
};

void Office::apply(const config::Model& model) {
  checks.apply(model);
  loops.apply(model);
  pipes.apply(model.global);
  hooks.apply(model);
  notifier.apply(model);
  tells_of_services |= scriptd::tells_of_services(model);
  if (!tells_of_services) return;  // there may be hundreds of thousands that nobody wants to hear of
  service_notifier.apply(model);
  bus.subscribe(std::string{servers});
  bus.subscribe(std::string{services});
}

void Office::update(const std::string& topic, const nlohmann::json& value) {
  bool good = false;
  if (topic.starts_with(servers)) {
    const auto health = read<bus::ServerHealth>(topic, value, good);
    if (good) service_notifier.on_server(topic.substr(servers.size()), health);
  } else if (topic.starts_with(services)) {
    const auto state = read<bus::ServiceState>(topic, value, good);
    if (good) service_notifier.on_service(topic.substr(services.size()), state);
  } else if (topic.starts_with(instances)) {
    auto state = read<bus::VrrpState>(topic, value, good);
    if (good) notifier.on_instance(topic.substr(instances.size()), std::move(state));
  } else if (topic.starts_with(groups)) {
    auto state = read<bus::VrrpGroupState>(topic, value, good);
    if (good) notifier.on_group(topic.substr(groups.size()), std::move(state));
  }
}

asio::awaitable<void> Office::finish() {
  loops.stop();
  asio::steady_timer timer{io, last_words};
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  service_notifier.stop();
  const auto limit = asio::steady_timer::clock_type::now() + drain_limit;
  const auto in_time = [&] { return asio::steady_timer::clock_type::now() < limit; };
  while ((!notifier.idle() || !service_notifier.idle()) && in_time()) {
    timer.expires_after(poll);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_await notifier.shut_down();
  while ((!post.idle() || !hooks.idle()) && in_time()) {
    timer.expires_after(poll);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  runner.stop();
  while (!runner.idle()) {
    timer.expires_after(poll);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// The first configuration decides what scriptd may do: root's programs have root's rights, as with keepalived, and so
/// scriptd keeps them for these; else it gives up all but what it takes to become somebody else.
class Rights {
 public:
  void settle(const config::Model& model) {
    const auto* of_root = first_of_root(model);
    if (std::exchange(settled_, true)) {
      if (of_root != nullptr && !std::exchange(kept_, true))
        log::warning("{} is to run as root: it has root's capabilities once scriptd is restarted",
                     of_root->words.front());
      return;
    }
    kept_ = of_root != nullptr;
    if (kept_) return log::notice("keeps root's capabilities: {} is to run as root", of_root->words.front());
    const auto done = runtime::keep_capabilities({CAP_SETUID, CAP_SETGID, CAP_KILL});
    if (!done) log::error("{}", done.error().message);
  }

 private:
  static const config::Command* first_of_root(const config::Model& model) {
    std::set<std::pair<std::string, std::string>> looked_up;  // of hundreds of thousands of commands few differ in this
    for (const auto* command : commands_of(model)) {
      if (!looked_up.emplace(command->user, command->group).second) continue;
      const auto user = user_of(*command, model.global);
      if (user && user->uid == 0) return command;
    }
    return nullptr;
  }

  bool settled_ = false;
  bool kept_ = false;
};

std::chrono::seconds stop_limit_of(const config::NodeScripts& scripts) {
  if (scripts.shutdown.words.empty()) return usual_stop;
  return usual_stop + std::chrono::ceil<std::chrono::seconds>(scripts.shutdown_timeout);
}

int run(const runtime::DaemonOptions& options) {
  std::unique_ptr<Office> office;
  bus::ClientHandlers handlers;
  Rights rights;
  runtime::Daemon* self = nullptr;
  handlers.apply = [&](const config::Model& model) {
    rights.settle(model);
    office->apply(model);
    self->set_stop_limit(stop_limit_of(model.global.scripts));
  };
  handlers.update = [&](const std::string& topic, const nlohmann::json& value) { office->update(topic, value); };
  handlers.event = [&](const bus::Event& event) { office->hooks.on_event(event); };
  handlers.request_from = [&](bus::Asker asker, std::string method, nlohmann::json params) {
    return office->checks.request(std::move(asker), std::move(method), std::move(params));
  };
  runtime::Daemon daemon{options,
                         {.socket = options.run_dir / "bus.sock",
                          .role = "scriptd",
                          .subscriptions = {std::string{instances}, std::string{groups}, "events"},
                          .configuration = true},
                         std::move(handlers)};
  self = &daemon;
  office = std::make_unique<Office>(daemon.io(), daemon.bus(), options.run_dir);
  daemon.on_stop([&] { return office->finish(); });
  const int status = daemon.run();
  office.reset();  // before the loop that its timers and pipes belong to
  return status;
}

}  // namespace
}  // namespace ballast::scriptd

int main(int argc, char** argv) {
  CLI::App app{"Ballast's scripts: runs vrrp_scripts and notifications, each as its user."};
  ballast::runtime::DaemonOptions options;
  options.role = "scriptd";
  ballast::runtime::add_daemon_options(app, options);
  CLI11_PARSE(app, argc, argv);
  return ballast::scriptd::run(options);
}
