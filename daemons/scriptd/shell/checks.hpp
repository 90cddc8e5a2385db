#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/bus/client.hpp"
#include "daemons/scriptd/policy/check_request.hpp"
#include "daemons/scriptd/shell/gate.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Runs the programs that are checks when checkd asks for them. So many at once, the others wait in order; what a
/// program waits is none of its time.
class Checks {
 public:
  Checks(boost::asio::io_context& io, Runner& runner) : runner_{runner}, gate_{io, most_running} {}
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  void apply(const config::Model& model);
  /// `check` answers `{how, seconds, status | signal | killed}`. Errors: who asks is not checkd, it is no check of the
  /// configuration, it cannot be executed, scriptd ends.
  boost::asio::awaitable<Result<nlohmann::json>> request(bus::Asker asker, std::string method, nlohmann::json params);

  static constexpr std::size_t most_running = 64;
  static constexpr std::size_t most_waiting = 16'384;

 private:
  boost::asio::awaitable<Result<nlohmann::json>> run(CheckRequest request);

  Runner& runner_;
  Gate gate_;
  KnownChecks known_;
  config::Global global_;
};

}  // namespace ballast::scriptd
