#include "daemons/checkd/tcp_check.hpp"

#include "common/runtime/clock.hpp"
#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {

TcpCheck::TcpCheck(boost::asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {}

boost::asio::awaitable<Verdict> TcpCheck::probe() {
  const auto begin = runtime::BootClock::now();
  boost::beast::tcp_stream stream{executor_};
  auto verdict = co_await connect(stream, check_);
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

}  // namespace ballast::checkd
