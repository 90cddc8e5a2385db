#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/config/model.hpp"
#include "common/result.hpp"
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

class TlsContexts;
/// What all checkers of one Surroundings share.
std::shared_ptr<TlsContexts> make_tls_contexts();

/// What checkers need besides their check.
struct Surroundings {
  boost::asio::any_io_executor executor;
  /// A request to scriptd, which runs programs: the reply's value, or why there is none.
  std::function<boost::asio::awaitable<Result<nlohmann::json>>(std::string method, nlohmann::json params,
                                                               std::chrono::milliseconds timeout)>
      ask_scriptd{};
  std::shared_ptr<TlsContexts> tls = make_tls_contexts();
};

/// The checker for that kind of check; null: none in this version.
std::unique_ptr<Checker> make_checker(const Surroundings& surroundings, const config::Check& check);

}  // namespace ballast::checkd
