#include "daemons/scriptd/shell/errand.hpp"

#include "common/config/command.hpp"
#include "common/runtime/log.hpp"

namespace ballast::scriptd {

boost::asio::awaitable<void> run_errand(Runner& runner, std::string label, config::Command command,
                                        config::Global global, std::chrono::microseconds timeout) {
  auto prepared = prepare(command, global);
  const auto text = config::command_text(command.words);
  if (!prepared) co_return log::error("{}: {}: {}", label, text, prepared.error().message);
  if (!prepared->warning.empty()) log::warning("{}: {}", label, prepared->warning);
  Job job{label, std::move(*prepared), timeout};
  const auto outcome = co_await runner.run(std::move(job));
  log::write(outcome.success ? log::Level::info : log::Level::warning,
             fmt::format("{}: {}: {}", label, text, outcome.how));
}

}  // namespace ballast::scriptd
