#include "daemons/scriptd/shell/script_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

struct ScriptLoops::Loop {
  Loop(asio::io_context& io, config::VrrpScript configured, const config::Global& global_defs)
      : script{std::move(configured)}, global{global_defs}, counter{script}, timer{io} {}
  config::VrrpScript script;
  config::Global global;  ///< script_user, enable_script_security
  RiseFall counter;
  asio::steady_timer timer;
  std::string warned;
  std::optional<bool> told_up;
  bool stopped = false;
};

void ScriptLoops::apply(const config::Model& model) {
  const auto before = std::exchange(loops_, {});
  for (const auto& script : model.vrrp_scripts) {
    const auto found = before.find(script.name);
    if (found != before.end() && found->second->script == script &&
        found->second->global.script_user == model.global.script_user &&
        found->second->global.enable_script_security == model.global.enable_script_security) {
      loops_.insert(*found);
      continue;
    }
    const auto loop = std::make_shared<Loop>(io_, script, model.global);
    loops_.emplace(script.name, loop);
    asio::co_spawn(io_, run(this, loop), asio::detached);
  }
  for (const auto& [name, loop] : before) {
    const auto now = loops_.find(name);
    if (now != loops_.end() && now->second == loop) continue;
    loop->stopped = true;
    loop->timer.cancel();
    if (now == loops_.end()) sink_.withdraw(name);
  }
}

void ScriptLoops::stop() {
  for (const auto& [name, loop] : loops_) {
    loop->stopped = true;
    loop->timer.cancel();
  }
  loops_.clear();
}

asio::awaitable<void> ScriptLoops::run(ScriptLoops* self, std::shared_ptr<Loop> loop) {
  auto next = asio::steady_timer::clock_type::now();
  while (!loop->stopped) {
    const auto outcome = co_await self->run_once(loop);
    if (loop->stopped) co_return;  // and self may be gone
    self->tell(*loop, outcome);
    next = std::max(next + loop->script.interval, asio::steady_timer::clock_type::now());
    loop->timer.expires_at(next);
    co_await loop->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<Outcome> ScriptLoops::run_once(std::shared_ptr<Loop> loop) {
  auto prepared = prepare(loop->script.command, loop->global);
  if (!prepared) co_return Outcome{false, prepared.error().message};
  if (!prepared->warning.empty() && std::exchange(loop->warned, prepared->warning) != prepared->warning)
    log::warning("vrrp_script {}: {}", loop->script.name, prepared->warning);
  const auto& script = loop->script;
  const auto timeout = script.timeout.count() > 0 ? script.timeout : script.interval;
  Job job{"vrrp_script " + script.name, std::move(*prepared), timeout};
  co_return co_await runner_.run(std::move(job));
}

void ScriptLoops::tell(Loop& loop, const Outcome& outcome) {
  const auto state = loop.counter.on_result(outcome.success, outcome.how, runtime::unix_time());
  log::debug("vrrp_script {}: {}", loop.script.name, outcome.how);
  if (!state) return;
  sink_.publish(*state);
  const auto line = fmt::format("vrrp_script {}: {} ({})", state->name, state->up ? "up" : "down", state->reason);
  log::write(state->up ? log::Level::notice : log::Level::warning, line);
  if (loop.told_up == state->up) return;
  loop.told_up = state->up;
  sink_.event({runtime::unix_time(), "scriptd", "script", state->name, line, state->up ? "notice" : "warning"});
}

}  // namespace ballast::scriptd
