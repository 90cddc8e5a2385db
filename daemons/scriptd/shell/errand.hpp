#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>

#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Runs a command of the configuration and says in the log how it ended.
boost::asio::awaitable<void> run_errand(Runner& runner, std::string label, config::Command command,
                                        config::Global global, std::chrono::microseconds timeout);

}  // namespace ballast::scriptd
