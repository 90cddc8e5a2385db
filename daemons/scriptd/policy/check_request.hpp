#pragma once
// checkd's request `check {words, user, group, timeout}`: run a program that is a check. Pure.
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "common/config/model.hpp"
#include "common/result.hpp"

namespace ballast::scriptd {

struct CheckRequest {
  config::Command command;
  std::chrono::microseconds timeout{};
};

/// Errors name what is missing or wrong. A timeout is at least 1 ms and at most an hour.
Result<CheckRequest> check_request_of(const nlohmann::json& params);

/// The checks of the configuration: what is asked for must be one of them, word for word, user and group included.
class KnownChecks {
 public:
  void adopt(const config::Model& model);
  [[nodiscard]] bool contains(const config::Command& command) const;

 private:
  std::unordered_set<std::string> keys_;
};

}  // namespace ballast::scriptd
