#include "daemons/ballastd/family.hpp"

#include <algorithm>

#include "common/runtime/log.hpp"
#include "common/runtime/own_program.hpp"

namespace ballast::ballastd {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds withdraw_limit = 3s;
constexpr std::chrono::milliseconds unload_limit = 10s;
constexpr int advertisements_missed = 3;  // RFC 9568, 6.1: Master_Down_Interval, without the skew
constexpr std::chrono::milliseconds usual_patience = 3s;
constexpr std::chrono::seconds to_kill = 2s;  ///< scriptd, what does not end by itself

}  // namespace

Patience patience_of(const config::Model& model) {
  Patience result{usual_patience};
  for (const auto& instance : model.vrrp_instances) {
    result.absence = std::min(result.absence, std::chrono::duration_cast<std::chrono::milliseconds>(
                                                  instance.advert_interval * advertisements_missed));
  }
  const auto& scripts = model.global.scripts;
  if (!scripts.shutdown.words.empty())
    result.shutdown = std::chrono::ceil<std::chrono::seconds>(scripts.shutdown_timeout);
  return result;
}

Family::Family(asio::io_context& io, FamilyOptions options, Handlers handlers)
    : io_{io}, options_{std::move(options)}, handlers_{std::move(handlers)}, file_{options_.run_dir} {}

Result<std::unique_ptr<Family>> Family::make(asio::io_context& io, FamilyOptions options, Handlers handlers) {
  std::unique_ptr<Family> family{new Family{io, std::move(options), std::move(handlers)}};
  for (const std::string role : {"vrrpd", "scriptd", "checkd", "forwardd"}) {
    auto program = runtime::own_program(role);
    if (!program) return program.error();
    MemberOptions member{.role = role,
                         .program = std::move(*program),
                         .arguments = {"--run-dir", family->options_.run_dir.string()},
                         .event = family->handlers_.event,
                         .clean_up = {}};
    if (role == "forwardd")
      member.arguments.insert(member.arguments.end(), {"--pin-dir", family->options_.pin_dir.string()});
    if (family->options_.verbose) member.arguments.emplace_back("--verbose");
    if (role == "vrrpd") member.clean_up = [raw = family.get()] { return raw->withdraw(); };
    family->members_.push_back(std::make_unique<Member>(io, family->file_, std::move(member)));
    if (role == "scriptd") family->scriptd_ = family->members_.back().get();
  }
  return family;
}

void Family::start() {
  for (const auto& member : members_) member->start();
}

void Family::set_patience(const Patience& patience) {
  for (const auto& member : members_) member->set_patience(patience.absence);
  scriptd_->set_end_patience(Member::usual_end_patience + to_kill + patience.shutdown);
}

asio::awaitable<void> Family::withdraw() {
  const auto program = runtime::own_program("vrrpd");
  if (!program) co_return log::error("{}", program.error().message);
  const std::vector<std::string> arguments{"--withdraw", "--run-dir", options_.run_dir.string()};
  const auto done = co_await run_program(*program, arguments, withdraw_limit);
  if (!done) co_return log::error("the addresses of a dead vrrpd may still be here: {}", done.error().message);
  handlers_.withdrawn();
}

asio::awaitable<void> Family::stop() {
  for (const auto& member : members_) co_await member->stop();
  if (!options_.unload_on_exit) co_return;
  const auto program = runtime::own_program("forwardd");
  if (!program) co_return log::error("{}", program.error().message);
  const std::vector<std::string> arguments{"--unload", "--run-dir", options_.run_dir.string(), "--pin-dir",
                                           options_.pin_dir.string()};
  const auto done = co_await run_program(*program, arguments, unload_limit);
  if (!done) log::error("the data path is still in the kernel: {}", done.error().message);
}

}  // namespace ballast::ballastd
