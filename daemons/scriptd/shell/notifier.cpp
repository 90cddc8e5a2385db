#include "daemons/scriptd/shell/notifier.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/config/command.hpp"
#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "daemons/scriptd/policy/commands.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds notify_timeout{60};
constexpr std::chrono::seconds reader_pause{1};

bool needs_usual_user(const config::Model& model) {
  return std::ranges::any_of(commands_of(model), [](const auto* each) { return each->user.empty(); });
}

}  // namespace

Notifier::Notifier(asio::io_context& io, Runner& runner, const std::filesystem::path& run_dir)
    : io_{io}, runner_{runner}, post_{io, runner}, file_{run_dir / "scriptd.told"} {
  const auto record = runtime::read_json(file_);
  if (!record || !record->is_object()) return;
  started_ = record->value("started", false);
  teller_ = Teller{from_record(record->value("told", nlohmann::json::array()))};
}

void Notifier::save() {
  const nlohmann::json record{{"started", started_}, {"told", to_record(teller_.told())}};
  if (const auto done = runtime::write_json(file_, record, runtime::Durability::until_reboot); !done)
    log::error("{}", done.error().message);
}

void Notifier::apply(const config::Model& model) {
  global_ = model.global;
  if (!std::exchange(started_, true)) {
    save();
    if (!global_.scripts.startup.words.empty())
      asio::co_spawn(io_, run("startup_script", global_.scripts.startup, global_.scripts.startup_timeout),
                     asio::detached);
  }
  if (global_.script_user.empty() && needs_usual_user(model))
    log::notice("without a script_user programs run as {}", usual_user());
  apply_fifos();
  tell(teller_.configure(model));
}

void Notifier::apply_fifos() {
  auto before = std::exchange(pipes_, {});
  for (const auto* wanted : {&global_.scripts.fifo, &global_.scripts.vrrp_fifo}) {
    if (wanted->path.empty()) continue;
    const auto same = std::ranges::find(before, *wanted, &Pipe::wanted);
    if (same != before.end()) {
      pipes_.push_back(std::move(*same));
      before.erase(same);
      continue;
    }
    auto fifo = Fifo::open(io_, *wanted, global_);
    if (!fifo) {
      log::error("notifications go to no FIFO: {}", fifo.error().message);
      continue;
    }
    pipes_.push_back({*wanted, std::move(*fifo), std::make_shared<bool>(true)});
    if (!wanted->reader.words.empty()) asio::co_spawn(io_, keep_reader(*wanted, pipes_.back().reads), asio::detached);
  }
  for (const auto& gone : before) *gone.reads = false;
}

asio::awaitable<void> Notifier::keep_reader(config::NotifyFifo wanted, std::shared_ptr<bool> reads) {
  auto command = wanted.reader;
  command.words.push_back(wanted.path);
  asio::steady_timer pause{io_};
  while (*reads && !runner_.stopping()) {
    auto prepared = prepare(command, global_);
    if (!prepared) co_return log::error("the reader of {}: {}", wanted.path, prepared.error().message);
    Job job{"the reader of " + wanted.path, std::move(*prepared), {}};
    const auto outcome = co_await runner_.run(std::move(job));
    if (runner_.stopping()) co_return;
    log::warning("the reader of {}: {}", wanted.path, outcome.how);
    pause.expires_after(reader_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Notifier::on_instance(const std::string& name, std::optional<bus::VrrpState> state) {
  tell(teller_.on_instance(name, std::move(state)));
}

void Notifier::on_group(const std::string& name, std::optional<bus::VrrpGroupState> state) {
  tell(teller_.on_group(name, std::move(state)));
}

void Notifier::tell(std::vector<Notice> notices) {
  if (notices.empty()) return;
  save();
  for (auto& notice : notices) {
    for (const auto& pipe : pipes_) pipe.fifo->write(fifo_line(notice));
    if (is_alert(notice, global_.mail)) post_.send(notice, global_);
    if (notice.commands.empty()) continue;
    const auto subject = notice.subject;
    auto& line = lines_[subject];
    if (line.queue.push(std::move(notice))) ++line.overtaken;
    if (!std::exchange(line.running, true)) asio::co_spawn(io_, work(subject), asio::detached);
  }
}

asio::awaitable<void> Notifier::work(Subject subject) {
  ++busy_;
  auto& line = lines_[subject];
  while (auto notice = line.queue.next()) {
    if (const auto count = std::exchange(line.overtaken, 0); count > 0)
      log::warning("{}: {} notifications were overtaken by newer ones and are left out", subject.name, count);
    const auto label = fmt::format("{} {}", subject.name, notice->occasion);
    for (const auto& command : notice->commands) co_await run(label, command, notify_timeout);
  }
  line.running = false;
  --busy_;
}

asio::awaitable<void> Notifier::run(std::string label, config::Command command, std::chrono::microseconds timeout) {
  auto prepared = prepare(command, global_);
  const auto text = config::command_text(command.words);
  if (!prepared) co_return log::error("{}: {}: {}", label, text, prepared.error().message);
  if (!prepared->warning.empty()) log::warning("{}: {}", label, prepared->warning);
  Job job{label, std::move(*prepared), timeout};
  const auto outcome = co_await runner_.run(std::move(job));
  log::write(outcome.success ? log::Level::info : log::Level::warning,
             fmt::format("{}: {}: {}", label, text, outcome.how));
}

asio::awaitable<void> Notifier::shut_down() {
  started_ = false;
  save();
  if (!global_.scripts.shutdown.words.empty())
    co_await run("shutdown_script", global_.scripts.shutdown, global_.scripts.shutdown_timeout);
}

}  // namespace ballast::scriptd
