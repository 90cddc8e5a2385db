#include "daemons/scriptd/shell/hooks.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>

#include "common/runtime/log.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t longest_headers = 64U << 10;

/// Read by us, so that a file of secrets can be root's alone.
Result<std::string> read_headers(const std::string& path) {
  if (path.empty()) return std::string{};
  std::ifstream file{path};
  if (!file) return fail("header_file {} cannot be read", path);
  std::string text(longest_headers + 1, 0);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > longest_headers) return fail("header_file {} has more than {} bytes", path, longest_headers);
  return text;
}

}  // namespace

void Hooks::apply(const config::Model& model) {
  global_ = model.global;
  auto before = std::exchange(hooks_, {});
  for (const auto& wanted : model.global.scripts.webhooks) {
    const auto same = std::ranges::find_if(before, [&](const auto& hook) { return hook && hook->wanted == wanted; });
    hooks_.push_back(same == before.end() ? std::make_shared<Hook>(Hook{wanted, {}}) : std::exchange(*same, nullptr));
  }
}

void Hooks::on_event(const bus::Event& event) {
  for (const auto& hook : hooks_) {
    if (!wants(hook->wanted, event)) continue;
    hook->queue.push(hook_body(event, host_name()));
    if (hook->queue.size() == HookQueue::most && !std::exchange(hook->said_full, true))
      log::warning("webhook {}: {} events wait: the oldest are dropped", hook_label(hook->wanted.url), HookQueue::most);
    if (!std::exchange(hook->running, true)) asio::co_spawn(io_, work(hook), asio::detached);
  }
}

asio::awaitable<void> Hooks::work(std::shared_ptr<Hook> hook) {
  ++busy_;
  while (!hook->queue.empty() && !runner_.stopping()) {
    co_await deliver(*hook, hook->queue.pop());
    if (hook->queue.size() > HookQueue::most / 2) continue;
    hook->said_full = false;
    if (const auto count = hook->queue.take_dropped(); count > 0)
      log::warning("webhook {}: {} events were dropped", hook_label(hook->wanted.url), count);
  }
  if (!hook->queue.empty())
    log::warning("webhook {}: {} events were not sent: scriptd ends", hook_label(hook->wanted.url), hook->queue.size());
  hook->running = false;
  --busy_;
}

asio::awaitable<void> Hooks::deliver(const Hook& hook, std::string body) {
  const auto label = "webhook " + hook_label(hook.wanted.url);
  const auto headers = read_headers(hook.wanted.header_file);
  if (!headers) co_return log::error("{}: an event is not sent: {}", label, headers.error().message);
  auto prepared = prepare_own("ballast-webhook", {}, global_);
  if (!prepared) co_return log::error("{}: {}", label, prepared.error().message);
  Job job{label, std::move(*prepared), longest_delivery(hook.wanted)};
  job.input = hook_job(hook.wanted, *headers, body);
  const auto outcome = co_await runner_.run(std::move(job));
  if (!outcome.success) log::warning("{}: an event is not delivered: {}", label, outcome.how);
}

}  // namespace ballast::scriptd
