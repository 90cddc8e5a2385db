#pragma once
#include <boost/asio/awaitable.hpp>

#include "tools/webhook/job.hpp"
#include "tools/webhook/policy.hpp"

namespace ballast::webhook {

struct Verdict {
  Fate fate = Fate::again;
  std::string how;  ///< `status 503`, `the connection: Connection refused`; no secret in it
};

/// One try, within the job's timeout.
boost::asio::awaitable<Verdict> post(const Job& job);

}  // namespace ballast::webhook
