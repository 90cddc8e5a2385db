#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "common/config/duration.hpp"
#include "common/net/dns_message.hpp"

namespace ballast::checkd {

/// Asks nameservers: by UDP with EDNS0, by TCP what is too long for that; each query with an id and from a port that
/// nobody can guess; the next server where one does not answer or fails.
class DnsClient {
 public:
  /// Without nameservers: those of `resolv_conf`, read anew for each query.
  DnsClient(boost::asio::any_io_executor executor, std::vector<net::Endpoint> nameservers, std::string resolv_conf,
            config::Duration timeout);
  /// A reply of NOERROR or NXDOMAIN. Errors: `nameserver 10.0.0.53:53: SERVFAIL`, `…: timed out after 2 s`.
  boost::asio::awaitable<Result<net::DnsReply>> ask(std::string name, std::uint16_t type);

 private:
  struct Question;
  boost::asio::awaitable<Result<std::vector<net::Endpoint>>> servers();
  boost::asio::awaitable<Result<net::DnsReply>> ask_one(net::Endpoint server, std::string name, std::uint16_t type);
  boost::asio::awaitable<Result<net::DnsReply>> by_udp(const net::Endpoint& server, const Question& question);
  boost::asio::awaitable<Result<net::DnsReply>> by_tcp(const net::Endpoint& server, const Question& question);

  boost::asio::any_io_executor executor_;
  std::vector<net::Endpoint> nameservers_;
  std::string resolv_conf_;
  config::Duration timeout_;
  net::Endpoint preferred_{};  ///< which answered last
  bool timed_out_ = false;
};

}  // namespace ballast::checkd
