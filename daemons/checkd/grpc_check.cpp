#include "daemons/checkd/grpc_check.hpp"

#include "common/runtime/clock.hpp"
#include "daemons/checkd/grpc_health.hpp"
#include "daemons/checkd/h2_exchange.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

GrpcCheck::GrpcCheck(const Surroundings& surroundings, config::Check check)
    : executor_(surroundings.executor), tls_(surroundings.tls), check_(std::move(check)) {
  check_.grpc.get();
}

asio::awaitable<Verdict> GrpcCheck::probe() {
  const auto begin = runtime::BootClock::now();
  auto verdict = co_await ask();
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(runtime::BootClock::now() - begin);
  co_return verdict;
}

asio::awaitable<Verdict> GrpcCheck::ask() {
  Connection connection{executor_};
  auto opened = co_await connection.open(check_, *tls_, check_.grpc->authority, Alpn::h2);
  if (!opened.passed()) co_return opened;
  connection.expires_after(check_.connect_timeout);
  auto verdict = co_await converse(connection.channel());
  verdict.certificate_until = opened.certificate_until;
  co_return verdict;
}

asio::awaitable<Verdict> GrpcCheck::converse(Channel& channel) {
  const auto& [service, authority] = *check_.grpc;
  const auto what = service.empty() ? std::string{"gRPC health"} : "gRPC health of " + service;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(check_.connect_timeout).count();
  H2Request request{.method = "POST",
                    .scheme = check_.tls ? "https" : "http",
                    .authority = authority.empty() ? check_.target.to_string() : authority,
                    .path = "/grpc.health.v1.Health/Check",
                    .fields = {{"te", "trailers"},
                               {"content-type", "application/grpc"},
                               {"user-agent", "Ballast-checkd/" BALLAST_VERSION},
                               {"grpc-timeout", fmt::format("{}m", milliseconds)}},
                    .body = encode_health_request(service)};
  HealthAnswer answer;
  auto failed = co_await h2_exchange(channel, std::move(request), answer, what, check_);
  if (failed) co_return std::move(*failed);
  co_return answer.judge(what);
}

}  // namespace ballast::checkd
