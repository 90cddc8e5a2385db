#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "daemons/checkd/sources/source_memory.hpp"

namespace ballast::checkd {

/// Looks servers up, again and again. Each kind of source is one class in one file.
class Looker {
 public:
  Looker() = default;
  virtual ~Looker() = default;
  Looker(const Looker&) = delete;
  Looker& operator=(const Looker&) = delete;
  /// What there is now, the first time; then waits until it is time to look again, or there is news. Errors say why no
  /// servers could be found; the next call waits before it tries again. May be cancelled. The looker must outlive it.
  virtual boost::asio::awaitable<Result<Found>> next() = 0;
};

/// What lookers need besides their query; tests have their own.
struct LookUpSettings {
  std::string resolv_conf = "/etc/resolv.conf";
  config::Duration dns_timeout = std::chrono::seconds{2};   ///< for one nameserver's answer
  config::Duration etcd_timeout = std::chrono::seconds{5};  ///< for one endpoint's answer
  config::Duration etcd_reread = std::chrono::seconds{60};  ///< all keys anew, so often
  config::Duration first_retry = std::chrono::seconds{1};   ///< after a failure; then twice as long, and so on
};

std::unique_ptr<Looker> make_looker(boost::asio::any_io_executor executor, const config::SourceQuery& query,
                                    const Families& wanted, const LookUpSettings& settings);

}  // namespace ballast::checkd
