#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "common/config/model.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// Asks one endpoint whether it does its work. Each kind of checker is one class in one file.
class Checker {
 public:
  Checker() = default;
  virtual ~Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;
  /// One probe, bounded in time by the check's connect_timeout. The checker must outlive it.
  virtual boost::asio::awaitable<Verdict> probe() = 0;
};

/// The checker for that kind of check (TCP_CHECK, HTTP_GET).
std::unique_ptr<Checker> make_checker(const boost::asio::any_io_executor& executor, const config::Check& check);

}  // namespace ballast::checkd
