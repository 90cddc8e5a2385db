#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "common/config/duration.hpp"
#include "daemons/checkd/sources/etcd_view.hpp"

namespace ballast::checkd {

/// One HTTP request to etcd's JSON gateway, and its answer. What takes longer than allowed, or is longer, is an error.
class EtcdConnection {
 public:
  EtcdConnection() = default;
  virtual ~EtcdConnection() = default;
  EtcdConnection(const EtcdConnection&) = delete;
  EtcdConnection& operator=(const EtcdConnection&) = delete;

  /// Connects, and by https proves who is there: by `ca_file`, or the system's authorities.
  static boost::asio::awaitable<Result<std::unique_ptr<EtcdConnection>>> open(boost::asio::any_io_executor executor,
                                                                              EtcdUrl url, std::string ca_file,
                                                                              config::Duration patience);
  /// POSTs JSON and reads the answer's header. Errors: `status 503: etcdserver: no leader`.
  virtual boost::asio::awaitable<Result<>> post(std::string target, std::string body) = 0;
  /// The rest of the answer, at most 4 MiB.
  virtual boost::asio::awaitable<Result<std::string>> rest() = 0;
  /// The next line of the answer, at most 4 MiB; nothing: none came within `wait`.
  virtual boost::asio::awaitable<Result<std::string>> line(config::Duration wait) = 0;
};

}  // namespace ballast::checkd
