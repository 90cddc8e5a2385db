#include "daemons/ballastd/node.hpp"

#include <unistd.h>

#include <csignal>

#include "common/runtime/clock.hpp"
#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/systemd.hpp"

namespace ballast::ballastd {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr int broken_configuration = 2;

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != std::string::npos)
      result[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

void say(const std::vector<config::Diagnostic>& diagnostics) {
  for (const auto& diagnostic : diagnostics) {
    const auto level = diagnostic.severity == config::Severity::error ? log::Level::error : log::Level::warning;
    log::write(level, config::render(diagnostic));
  }
}

}  // namespace

Node::Node(NodeOptions options)
    : options_{std::move(options)},
      signals_{io_, SIGTERM, SIGINT, SIGHUP},
      work_{io_},
      end_timer_{io_},
      hold_timer_{io_} {}

Node::~Node() = default;

std::filesystem::path Node::state_file(const char* name) const {
  return (options_.state_dir.empty() ? options_.run_dir : options_.state_dir) / name;
}

config::LoadOptions Node::load_options() const {
  return {.config_id = options_.config_id, .environment = environment(), .strict = false};
}

config::Loaded Node::load() {
  auto loaded = reader_.read(options_.config, load_options());
  say(loaded.diagnostics);
  return loaded;
}

int Node::run() {
  auto loaded = load();
  if (!loaded.ok()) {
    log::error("{}: the configuration has errors; ballastd does not start", options_.config.string());
    return broken_configuration;
  }
  file_ = std::make_shared<config::Model>(std::move(loaded.model));
  model_ = file_;
  if (const auto opened = open(); !opened) {
    log::error("{}", opened.error().message);
    return 1;
  }
  log::notice("started, version {}, on {}: {} instances, {} services", BALLAST_VERSION, options_.run_dir.string(),
              model_->vrrp_instances.size(), model_->virtual_servers.size());
  asio::co_spawn(io_, obey_signals(), asio::detached);
  asio::co_spawn(io_, carry_out(), asio::detached);
  asio::co_spawn(io_, runtime::keep_systemd_informed(), asio::detached);
  if (family_) family_->start();
  io_.run();
  return 0;
}

Result<> Node::open() {
  auto server =
      bus::Server::open(io_, options_.run_dir,
                        {.request = [this](bus::Request asked) { request(std::move(asked)); },
                         .refused = [this](const std::string& role, const std::string& why) { refused(role, why); },
                         .published = [this](const std::string& topic) { published(topic); }});
  if (!server) return server.error();
  server_ = std::move(*server);
  read_changes();
  read_admin();
  await_ends();
  auto& broker = server_->broker();
  const bus::NodeState self{"ballastd", BALLAST_VERSION, static_cast<int>(getpid()), runtime::unix_time()};
  broker.publish("node/ballastd", self);
  for (const auto& [topic, word] : admin_.words()) broker.publish(topic, word);
  read_holds();
  for (const auto& change : changes_.changes()) broker.publish(bus::change_topic(change.number), change);
  broker.offer(*model_, [](const Result<>&) {});  // nobody is here yet to refuse it
  if (!options_.standalone) return {};
  auto family = Family::make(io_,
                             {.run_dir = options_.run_dir,
                              .pin_dir = options_.pin_dir,
                              .verbose = options_.verbose,
                              .unload_on_exit = options_.unload_on_exit},
                             {.event = [this](bus::Event event) { server_->broker().event(std::move(event)); },
                              .withdrawn = [this] { withdrawn(); }});
  if (!family) return family.error();
  family_ = std::move(*family);
  family_->set_patience(patience_of(*model_));
  return {};
}

void Node::read_admin() {
  const auto file = admin_file();
  if (!std::filesystem::exists(file)) return;
  const auto kept = runtime::read_json(file);
  auto store = kept ? AdminStore::from_json(*kept) : kept.error();
  if (!store)
    return log::error("the operators' words about servers are lost: {}: {}", file.string(), store.error().message);
  admin_ = std::move(*store);
  for (const auto& gone : admin_.forget_unknown(*model_)) {
    log::notice("{}: server {} is no longer configured: what {} said of it is forgotten", gone.service, gone.server,
                gone.by);
  }
  end_admin();
}

asio::awaitable<void> Node::obey_signals() {
  for (;;) {
    const auto [error, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    if (number != SIGHUP) break;
    reload("SIGHUP", [](const Result<json>&) {});
  }
  log::notice("stopping");
  runtime::notify_systemd("STOPPING=1");
  if (family_) co_await family_->stop();
  log::info("stopped");
  io_.stop();
}

void Node::withdrawn() {
  auto& broker = server_->broker();
  if (broker.is_connected("vrrpd")) return;
  for (const auto& topic : broker.retained().below("vrrp/")) {
    auto state = bus::decode<bus::VrrpState>(broker.retained().value(topic));
    if (!state || state->state == bus::VrrpRole::init) continue;
    state->state = bus::VrrpRole::init;
    state->holds_addresses = false;
    state->since = runtime::unix_time();
    state->master.clear();
    state->reason = "vrrpd does not stay up: its addresses are withdrawn";
    tell("error", "vrrp", state->name, fmt::format("{}: INIT ({})", state->name, state->reason));
    broker.publish(topic, *state);
  }
}

void Node::refused(const std::string& role, const std::string& why) {
  tell("error", "config", role, fmt::format("{} does not run the configuration in force: {}", role, why));
}

void Node::tell(const std::string& severity, const std::string& kind, const std::string& subject,
                const std::string& message) {
  log::write(severity == "error" ? log::Level::error : log::Level::notice, message);
  server_->broker().event(
      {.time = 0, .daemon = "ballastd", .kind = kind, .subject = subject, .message = message, .severity = severity});
}

}  // namespace ballast::ballastd
