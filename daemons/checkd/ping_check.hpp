#pragma once
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// Whether ping sockets may be used here.
bool may_use_ping_socket(net::Family family);

/// PING_CHECK: an ICMP echo is answered. Through a ping socket where net.ipv4.ping_group_range lets a group of ours,
/// else through a raw one, which takes CAP_NET_RAW.
class PingCheck final : public Checker {
 public:
  PingCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();

  boost::asio::any_io_executor executor_;
  config::Check check_;
};

}  // namespace ballast::checkd
