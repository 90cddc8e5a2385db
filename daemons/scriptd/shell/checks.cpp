#include "daemons/scriptd/shell/checks.hpp"

#include "common/config/command.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;
using nlohmann::json;

void Checks::apply(const config::Model& model) {
  global_ = model.global;
  known_.adopt(model);
}

asio::awaitable<Result<json>> Checks::request(bus::Asker asker, std::string method, json params) {
  if (method != "check") co_return fail("scriptd answers no '{}'", method);
  if (asker.role != "checkd") co_return fail("only checkd may have a check run");
  auto request = check_request_of(params);
  if (!request) co_return request.error();
  if (!known_.contains(request->command)) co_return fail("it is no MISC_CHECK of scriptd's configuration");
  if (gate_.waiting() >= most_waiting) co_return fail("{} checks wait already", most_waiting);
  co_await gate_.enter();
  auto answer = co_await run(std::move(*request));
  gate_.leave();
  co_return answer;
}

asio::awaitable<Result<json>> Checks::run(CheckRequest request) {
  // Known when it came; a reload may have taken it away while it waited.
  if (!known_.contains(request.command)) co_return fail("it is no MISC_CHECK of scriptd's configuration");
  auto prepared = prepare(request.command, global_);
  if (!prepared) co_return prepared.error();
  Job job{"MISC_CHECK " + config::command_text(request.command.words), std::move(*prepared), request.timeout};
  job.level = log::Level::debug;
  const auto outcome = co_await runner_.run(std::move(job));
  if (!outcome.late && outcome.status.kind == runtime::ExitStatus::Kind::unknown) co_return fail("{}", outcome.how);
  json answer{{"how", outcome.how}, {"seconds", static_cast<double>(outcome.took.count()) / 1e6}};
  if (outcome.late)
    answer["killed"] = true;
  else if (outcome.status.kind == runtime::ExitStatus::Kind::exited)
    answer["status"] = outcome.status.value;
  else
    answer["signal"] = outcome.status.value;
  co_return answer;
}

}  // namespace ballast::scriptd
