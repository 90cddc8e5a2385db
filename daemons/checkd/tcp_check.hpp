#pragma once
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// TCP_CHECK: the server accepts a connection within connect_timeout.
class TcpCheck final : public Checker {
 public:
  TcpCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::any_io_executor executor_;
  config::Check check_;
};

}  // namespace ballast::checkd
