#pragma once
#include <boost/asio/steady_timer.hpp>

#include "daemons/checkd/sources/dns_answer.hpp"
#include "daemons/checkd/sources/dns_client.hpp"
#include "daemons/checkd/sources/looker.hpp"

namespace ballast::checkd {

/// Servers by their addresses (A, AAAA) or by their service (SRV), asked again when the answer's time is over.
class DnsLooker : public Looker {
 public:
  DnsLooker(boost::asio::any_io_executor executor, config::SourceQuery query, const Families& wanted,
            const LookUpSettings& settings);
  boost::asio::awaitable<Result<Found>> next() override;

 private:
  struct Answer {
    Found found;
    std::uint32_t ttl = UINT32_MAX;
  };
  boost::asio::awaitable<Result<Answer>> look_up();
  boost::asio::awaitable<Result<Answer>> by_address();
  boost::asio::awaitable<Result<Answer>> by_service();
  /// All addresses of a name, of the families wanted; those in the additional section of `along` need no asking.
  boost::asio::awaitable<Result<Addresses>> addresses(std::string name, const net::DnsReply* along);

  config::SourceQuery query_;
  std::vector<std::uint16_t> types_;
  DnsClient client_;
  boost::asio::steady_timer timer_;
  Backoff backoff_;
  config::Duration wait_{0};
};

}  // namespace ballast::checkd
