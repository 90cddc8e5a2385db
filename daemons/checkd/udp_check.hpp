#pragma once
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// UDP_CHECK: no ICMP error comes back within connect_timeout; with require_reply, an answer that is as wanted.
class UdpCheck final : public Checker {
 public:
  UdpCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();

  boost::asio::any_io_executor executor_;
  config::Check check_;
};

}  // namespace ballast::checkd
