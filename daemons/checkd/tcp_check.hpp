#pragma once
#include <optional>

#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/connector.hpp"

namespace ballast::checkd {

/// TCP_CHECK: the server accepts a connection within connect_timeout. The connection is reset at once.
class TcpCheck final : public Checker {
 public:
  TcpCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  [[nodiscard]] Verdict judge(const Connector::Outcome& outcome) const;
  boost::asio::awaitable<Verdict> probe_with_options();

  boost::asio::any_io_executor executor_;
  config::Check check_;
  Connector& connector_;
  SocketAddress target_;
  std::optional<SocketAddress> source_;
  Verdict accepted_;
};

}  // namespace ballast::checkd
