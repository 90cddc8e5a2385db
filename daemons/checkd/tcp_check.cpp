#include "daemons/checkd/tcp_check.hpp"

#include "common/runtime/clock.hpp"
#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {

TcpCheck::TcpCheck(boost::asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)),
      check_(std::move(check)),
      connector_(Connector::of(executor_)),
      target_(check_.target) {
  if (check_.bind) source_.emplace(*check_.bind);
  accepted_.cause = Cause::passed;
  accepted_.reason = fmt::format("connect to {}: accepted", check_.target);
}

boost::asio::awaitable<Verdict> TcpCheck::probe() {
  const auto begin = runtime::BootClock::now();
  const bool has_options = !check_.bind_interface.empty() || check_.fwmark != 0;
  Verdict verdict;
  if (has_options) {
    verdict = co_await probe_with_options();
  } else {
    const auto outcome = co_await connector_.connect(target_, source_ ? &*source_ : nullptr, check_.connect_timeout);
    verdict = judge(outcome);
  }
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

Verdict TcpCheck::judge(const Connector::Outcome& outcome) const {
  if (!outcome.error) return accepted_;
  if (outcome.ours == nullptr)
    return network_failure(fmt::format("connect to {}", check_.target), outcome.error, check_);
  std::string what = outcome.ours;
  if (what == "bind")
    what += " to " + (check_.bind->port == 0 ? check_.bind->address.to_string() : check_.bind->to_string());
  return {Cause::cannot_probe,
          outcome.error.value(),
          fmt::format("cannot probe: {}: {}", what, outcome.error.message()),
          {}};
}

boost::asio::awaitable<Verdict> TcpCheck::probe_with_options() {
  boost::beast::tcp_stream stream{executor_};
  auto verdict = co_await connect(stream, check_);
  boost::system::error_code ignored;
  stream.socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
  if (verdict.passed()) co_return accepted_;
  co_return verdict;
}

}  // namespace ballast::checkd
