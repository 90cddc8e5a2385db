#pragma once
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// DNS_CHECK: a query by UDP is answered with rcode 0, be it without records or truncated. Any other rcode is a
/// failure, as with keepalived: NXDOMAIN, too.
class DnsCheck final : public Checker {
 public:
  DnsCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();

  boost::asio::any_io_executor executor_;
  config::Check check_;
};

}  // namespace ballast::checkd
