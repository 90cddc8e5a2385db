#include "daemons/checkd/agent_check.hpp"

#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {
constexpr std::size_t longest_line = 4096;
}  // namespace

AgentCheck::AgentCheck(const Surroundings& surroundings, config::Check check)
    : executor_(surroundings.executor), tls_(surroundings.tls), check_(std::move(check)) {}

asio::awaitable<Verdict> AgentCheck::probe() { return timed(ask()); }

// What it said before holds on.
Verdict AgentCheck::nothing_heard(const std::string& why) const {
  Verdict verdict{Cause::cannot_probe, 0, why.starts_with("cannot probe") ? why : "cannot probe: " + why, {}};
  verdict.weight = state_.verdict({}).weight;
  return verdict;
}

asio::awaitable<Verdict> AgentCheck::ask() {
  Connection connection{executor_};
  const auto connected = co_await connection.open(check_, *tls_, "");
  if (!connected.passed()) co_return nothing_heard(connected.reason);
  if (check_.agent && !check_.agent->send.empty()) {
    const auto text = unescape(check_.agent->send);
    const auto error = co_await connection.channel().write(asio::buffer(text));
    if (error) co_return nothing_heard(network_failure(fmt::format("agent {}", check_.target), error, check_).reason);
  }
  auto verdict = co_await listen(connection.channel());
  verdict.certificate_until = connected.certificate_until;
  co_return verdict;
}

asio::awaitable<Verdict> AgentCheck::listen(Channel& channel) {
  const auto what = fmt::format("agent {}", check_.target);
  std::array<char, longest_line> line{};
  std::size_t length = 0;
  bool whole = false;
  while (!whole && length < line.size()) {
    const auto [error, size] = co_await channel.read_some(asio::buffer(line) + length);
    const std::string_view fresh{line.data() + length, size};
    length += size;
    whole = fresh.find('\n') != std::string_view::npos || error == asio::error::eof;
    if (error && !whole) co_return nothing_heard(network_failure(what, error, check_).reason);
  }
  if (!whole) co_return nothing_heard(fmt::format("{}: no end of its line within {} bytes", what, longest_line));
  const auto answer = parse_agent_line({line.data(), length});
  if (!answer.says_something())
    co_return nothing_heard(what + (answer.unknown.empty() ? ": says nothing" : ": says '" + answer.unknown + "'"));
  state_.hear(answer);
  co_return state_.verdict(what);
}

}  // namespace ballast::checkd
