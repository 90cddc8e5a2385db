#pragma once
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "daemons/checkd/sources/etcd_connection.hpp"
#include "daemons/checkd/sources/looker.hpp"

namespace ballast::checkd {

/// Servers by etcd's keys below a prefix: all are read, then watched from that revision on. When a watch ends, whyever,
/// all are read anew, from the next endpoint that answers.
class EtcdLooker : public Looker {
 public:
  EtcdLooker(boost::asio::any_io_executor executor, config::SourceQuery query, const LookUpSettings& settings);
  boost::asio::awaitable<Result<Found>> next() override;

 private:
  boost::asio::awaitable<Result<>> read_all();
  boost::asio::awaitable<Result<>> read_all_at(const std::string& endpoint);
  /// Until something has changed. An error or `compacted`: the watch is over.
  boost::asio::awaitable<Result<EtcdView::News>> watch();
  boost::asio::awaitable<void> pause(config::Duration wait);

  boost::asio::any_io_executor executor_;
  config::SourceQuery query_;
  LookUpSettings settings_;
  EtcdView view_;
  std::size_t at_ = 0;  ///< the endpoint that answered last
  std::unique_ptr<EtcdConnection> watching_;
  boost::asio::steady_timer timer_;
  Backoff after_failure_;
  Backoff after_watch_;  ///< a watch that ends at once is begun again ever more slowly
  bool failed_ = false;
};

}  // namespace ballast::checkd
