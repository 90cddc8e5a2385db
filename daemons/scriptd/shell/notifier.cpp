#include "daemons/scriptd/shell/notifier.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "daemons/scriptd/policy/commands.hpp"
#include "daemons/scriptd/shell/errand.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds notify_timeout{60};

bool needs_usual_user(const config::Model& model) {
  return std::ranges::any_of(commands_of(model), [](const auto* each) { return each->user.empty(); });
}

}  // namespace

Notifier::Notifier(asio::io_context& io, Runner& runner, Pipes& pipes, Post& post, const std::filesystem::path& run_dir)
    : io_{io}, runner_{runner}, pipes_{pipes}, post_{post}, file_{run_dir / "scriptd.told"} {
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
      asio::co_spawn(
          io_, run_errand(runner_, "startup_script", global_.scripts.startup, global_, global_.scripts.startup_timeout),
          asio::detached);
  }
  if (global_.script_user.empty() && needs_usual_user(model))
    log::notice("without a script_user programs run as {}", usual_user());
  tell(teller_.configure(model));
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
    pipes_.write_role(fifo_line(notice));
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
    for (const auto& command : notice->commands) co_await run_errand(runner_, label, command, global_, notify_timeout);
  }
  line.running = false;
  --busy_;
}

asio::awaitable<void> Notifier::shut_down() {
  started_ = false;
  save();
  if (!global_.scripts.shutdown.words.empty())
    co_await run_errand(runner_, "shutdown_script", global_.scripts.shutdown, global_,
                        global_.scripts.shutdown_timeout);
}

}  // namespace ballast::scriptd
