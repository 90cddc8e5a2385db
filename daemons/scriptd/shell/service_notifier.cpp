#include "daemons/scriptd/shell/service_notifier.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "daemons/scriptd/shell/errand.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds notify_timeout{60};
constexpr auto gathering = 5ms;   ///< changes that come together are written together
constexpr int rest_of_time = 10;  ///< so much longer than writing takes nothing is written

nlohmann::json record_of(const std::filesystem::path& file) {
  auto record = runtime::read_json(file);
  return record ? std::move(*record) : nlohmann::json{};
}

std::string label_of(const ServiceNotice& notice) {
  return fmt::format("{} {}", notice.subject, notice.up ? "UP" : "DOWN");
}

}  // namespace

ServiceNotifier::ServiceNotifier(asio::io_context& io, Runner& runner, Pipes& pipes, Post& post,
                                 const std::filesystem::path& run_dir)
    : io_{io},
      runner_{runner},
      pipes_{pipes},
      post_{post},
      file_{run_dir / "scriptd.services"},
      teller_{record_of(file_)} {}

void ServiceNotifier::apply(const config::Model& model) {
  global_ = model.global;
  tell(teller_.configure(model));
}

void ServiceNotifier::on_server(const std::string& name, const std::optional<bus::ServerHealth>& health) {
  tell(teller_.on_server(name, health));
}

void ServiceNotifier::on_service(const std::string& name, const std::optional<bus::ServiceState>& state) {
  tell(teller_.on_service(name, state));
}

void ServiceNotifier::stop() {
  auto notices = teller_.stop();
  if (teller_.take_changed()) save();
  for (auto& notice : std::exchange(untold_, {})) carry_out(std::move(notice));
  for (auto& notice : notices) carry_out(std::move(notice));
}

void ServiceNotifier::tell(std::vector<ServiceNotice> notices) {
  if (!teller_.take_changed()) return;
  std::ranges::move(notices, std::back_inserter(untold_));
  if (!std::exchange(writing_, true)) asio::co_spawn(io_, write_and_tell(), asio::detached);
}

asio::awaitable<void> ServiceNotifier::write_and_tell() {
  asio::steady_timer timer{io_};
  timer.expires_after(std::max<std::chrono::steady_clock::duration>(gathering, write_took_ * rest_of_time));
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  writing_ = false;
  save();
  for (auto& notice : std::exchange(untold_, {})) carry_out(std::move(notice));
}

void ServiceNotifier::save() {
  const auto begin = std::chrono::steady_clock::now();
  if (const auto done = runtime::write_json(file_, teller_.record(), runtime::Durability::until_reboot); !done)
    log::error("{}", done.error().message);
  write_took_ = std::chrono::steady_clock::now() - begin;
}

void ServiceNotifier::carry_out(ServiceNotice notice) {
  pipes_.write_service(fifo_line(notice));
  if (is_alert(notice, global_.mail)) post_.send(notice, global_);
  if (notice.command.words.empty()) return;
  const auto subject = notice.subject;
  auto& line = lines_[subject];
  if (line.waiting)
    ++overtaken_;
  else if (!line.running)
    ready_.push_back(subject);
  line.waiting = std::move(notice);
  if (ready_.empty() || workers_ >= most_running) return;
  ++workers_;
  asio::co_spawn(io_, work(), asio::detached);
}

asio::awaitable<void> ServiceNotifier::work() {
  while (!ready_.empty()) {
    const auto subject = std::move(ready_.front());
    ready_.pop_front();
    auto& line = lines_.at(subject);
    const auto notice = *std::exchange(line.waiting, std::nullopt);
    line.running = true;
    co_await run_errand(runner_, label_of(notice), notice.command, global_, notify_timeout);
    line.running = false;
    if (line.waiting)
      ready_.push_back(subject);
    else
      lines_.erase(subject);
  }
  --workers_;
  if (const auto count = std::exchange(overtaken_, 0); count > 0)
    log::warning("{} notifications of servers and services were overtaken by newer ones and are left out", count);
}

}  // namespace ballast::scriptd
