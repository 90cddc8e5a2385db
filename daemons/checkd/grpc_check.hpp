#pragma once
#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/connection.hpp"

namespace ballast::checkd {

/// GRPC_CHECK: grpc.health.v1.Health/Check says SERVING. Connecting (with the TLS handshake) and answering have
/// connect_timeout each.
class GrpcCheck final : public Checker {
 public:
  GrpcCheck(const Surroundings& surroundings, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();
  boost::asio::awaitable<Verdict> converse(Channel& channel);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<TlsContexts> tls_;
  config::Check check_;
};

}  // namespace ballast::checkd
