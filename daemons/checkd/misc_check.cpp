#include "daemons/checkd/misc_check.hpp"

#include <algorithm>

#include "common/runtime/child.hpp"
#include "common/runtime/clock.hpp"
#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto longest_wait = std::chrono::minutes{58};  ///< a request on the bus may wait for an hour
constexpr auto waiting = std::chrono::minutes{10};       ///< for its turn, while scriptd runs others
constexpr int first_weight = 2;                          ///< the exit status that is weight 0

Verdict judge_status(const config::MiscCheck& check, int status, const std::string& program) {
  Verdict verdict{Cause::passed, 0, fmt::format("{}: exit status {}", program, status), {}};
  if (check.dynamic && status >= first_weight) {
    verdict.weight = {WeightWord::Kind::absolute, status - first_weight};
    verdict.reason += fmt::format(" (weight {})", status - first_weight);
  } else if (status != 0) {
    verdict.cause = Cause::program;
    verdict.detail = status;
  }
  return verdict;
}

Verdict judge_answer(const config::MiscCheck& check, config::Duration timeout, const json& answer) {
  const auto& program = check.command.words.front();
  Verdict verdict;
  if (answer.value("killed", false))
    verdict = {Cause::timed_out, 0, fmt::format("{}: killed after {}", program, in_words(timeout)), {}};
  else if (const auto signal = answer.find("signal"); signal != answer.end())
    verdict = {
        Cause::program,
        -signal->get<int>(),
        fmt::format("{}: {}", program, runtime::describe({runtime::ExitStatus::Kind::signalled, signal->get<int>()})),
        {}};
  else
    verdict = judge_status(check, answer.at("status").get<int>(), program);
  const std::chrono::duration<double> took{std::clamp(answer.at("seconds").get<double>(), 0.0, 86'400.0)};
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(took);
  return verdict;
}

Verdict unknown(const config::MiscCheck& check, const std::string& why) {
  return {Cause::cannot_probe, 0, fmt::format("cannot probe: {}: {}", check.command.words.front(), why), {}};
}

}  // namespace

Verdict judge(const config::MiscCheck& check, config::Duration timeout, const Result<json>& answer) {
  if (!answer) return unknown(check, answer.error().message);
  try {
    return judge_answer(check, timeout, *answer);
  } catch (const json::exception& exception) {
    return unknown(check, exception.what());
  }
}

MiscCheck::MiscCheck(const Surroundings& surroundings, const config::Check& check)
    : surroundings_{surroundings},
      check_{*check.misc},
      timeout_{check_.timeout.count() > 0 ? check_.timeout : check.delay_loop} {}

boost::asio::awaitable<Verdict> MiscCheck::probe() {
  if (!surroundings_.ask_scriptd) co_return unknown(check_, "nobody runs programs");
  json params{{"words", check_.command.words},
              {"user", check_.command.user},
              {"group", check_.command.group},
              {"timeout", static_cast<double>(timeout_.count()) / 1e6}};
  const auto limit = std::min<std::chrono::milliseconds>(
      std::chrono::ceil<std::chrono::milliseconds>(timeout_) + waiting, longest_wait);
  const auto begin = runtime::BootClock::now();
  const auto answer = co_await surroundings_.ask_scriptd("check", std::move(params), limit);
  auto verdict = judge(check_, timeout_, answer);
  if (verdict.cause == Cause::cannot_probe)
    verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

}  // namespace ballast::checkd
