#include "daemons/scriptd/policy/check_request.hpp"

#include <algorithm>

#include "daemons/scriptd/policy/commands.hpp"

namespace ballast::scriptd {
namespace {

constexpr std::chrono::duration<double> shortest{0.001};
constexpr std::chrono::duration<double> longest{3'600};

/// No word has a byte 0 in it: execve() ends there.
std::string key_of(const config::Command& command) {
  std::string key;
  const auto add = [&](const std::string& word) { key.append(word).push_back('\0'); };
  add(command.user);
  add(command.group);
  for (const auto& word : command.words) add(word);
  return key;
}

bool has_zero(const std::string& word) { return word.find('\0') != std::string::npos; }

}  // namespace

Result<CheckRequest> check_request_of(const nlohmann::json& params) try {
  CheckRequest request;
  params.at("words").get_to(request.command.words);
  params.at("user").get_to(request.command.user);
  params.at("group").get_to(request.command.group);
  const std::chrono::duration<double> timeout{params.at("timeout").get<double>()};
  request.timeout = std::chrono::duration_cast<std::chrono::microseconds>(std::clamp(timeout, shortest, longest));
  const auto& command = request.command;
  if (has_zero(command.user) || has_zero(command.group) || std::ranges::any_of(command.words, has_zero))
    return fail("check: a word with a byte 0");
  return request;
} catch (const nlohmann::json::exception& exception) {
  return fail("check: {}", exception.what());
}

void KnownChecks::adopt(const config::Model& model) {
  keys_.clear();
  for (const auto* command : checks_of(model)) keys_.insert(key_of(*command));
}

bool KnownChecks::contains(const config::Command& command) const { return keys_.contains(key_of(command)); }

}  // namespace ballast::scriptd
