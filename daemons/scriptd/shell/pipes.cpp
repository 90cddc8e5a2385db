#include "daemons/scriptd/shell/pipes.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/log.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds reader_pause{1};

}  // namespace

void Pipes::apply(const config::Global& global) {
  global_ = global;
  auto before = std::exchange(pipes_, {});
  add(global_.scripts.fifo, true, true, before);
  add(global_.scripts.vrrp_fifo, true, false, before);
  add(global_.scripts.lvs_fifo, false, true, before);
  for (const auto& gone : before) *gone.reads = false;
}

void Pipes::add(const config::NotifyFifo& wanted, bool roles, bool services, std::vector<Pipe>& before) {
  if (wanted.path.empty()) return;
  const auto same = std::ranges::find(before, wanted, &Pipe::wanted);
  if (same != before.end()) {
    pipes_.push_back(std::move(*same));
    pipes_.back().roles = roles;
    pipes_.back().services = services;
    before.erase(same);
    return;
  }
  auto fifo = Fifo::open(io_, wanted, global_);
  if (!fifo) return log::error("notifications go to no FIFO: {}", fifo.error().message);
  pipes_.push_back({wanted, std::move(*fifo), std::make_shared<bool>(true), roles, services});
  if (!wanted.reader.words.empty()) asio::co_spawn(io_, keep_reader(wanted, pipes_.back().reads), asio::detached);
}

void Pipes::write_role(const std::string& line) {
  for (const auto& pipe : pipes_) {
    if (pipe.roles) pipe.fifo->write(line);
  }
}

void Pipes::write_service(const std::string& line) {
  for (const auto& pipe : pipes_) {
    if (pipe.services) pipe.fifo->write(line);
  }
}

asio::awaitable<void> Pipes::keep_reader(config::NotifyFifo wanted, std::shared_ptr<bool> reads) {
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

}  // namespace ballast::scriptd
