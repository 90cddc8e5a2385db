#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemons/checkd/sources/looker.hpp"
#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {

/// What one look-up finds.
inline Result<Found> look(asio::io_context& io, Looker& looker) {
  std::optional<Result<Found>> outcome;
  asio::co_spawn(io, looker.next(), [&](const std::exception_ptr& failure, Result<Found> result) {
    if (failure) std::rethrow_exception(failure);
    outcome = std::move(result);
  });
  io.restart();
  while (!outcome && io.run_one_for(std::chrono::seconds{20}) > 0) {
  }
  if (!outcome) return fail("the look-up did not end");
  return std::move(*outcome);
}

/// `10.0.0.1:80`, `10.0.0.1:80 weight 3`, or the error.
inline std::vector<std::string> in_words(const Result<Found>& found) {
  if (!found) return {found.error().message};
  std::vector<std::string> result;
  for (const auto& server : found->servers) {
    result.push_back(server.endpoint.to_string());
    if (server.weight) result.back() += fmt::format(" weight {}", *server.weight);
  }
  return result;
}

inline LookUpSettings quick() {
  using namespace std::chrono_literals;
  LookUpSettings settings;
  settings.dns_timeout = 200ms;
  settings.etcd_timeout = 2s;
  settings.first_retry = 10ms;
  return settings;
}

}  // namespace ballast::checkd::test
