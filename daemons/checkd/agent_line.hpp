#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// What an agent says in one line (HAProxy's agent protocol): words with blanks or commas between them, in small or
/// capital letters. Of several words of one kind the last counts.
struct AgentAnswer {
  enum class Health : std::uint8_t { up, down, failed, stopped };
  enum class Use : std::uint8_t { ready, drain, maint };
  std::optional<Health> health{};
  std::optional<Use> use{};
  std::optional<int> percent{};  ///< of the configured weight, 0 to most_percent
  std::string description;       ///< of down, failed, stopped: what comes after a #
  std::string unknown;           ///< the first word that is none
  [[nodiscard]] bool says_something() const { return health || use || percent; }
};

constexpr int most_percent = 10'000;

/// The first line counts; maxconn:N is taken for none of ours and left out.
AgentAnswer parse_agent_line(std::string_view text);

/// As in HAProxy, what an agent has said of one matter holds until it says something else of that matter.
struct AgentState {
  AgentAnswer::Health health = AgentAnswer::Health::up;
  AgentAnswer::Use use = AgentAnswer::Use::ready;
  std::optional<int> percent{};
  std::string description;

  void hear(const AgentAnswer& answer);
  /// `what` begins its reason. Down for down, failed, stopped and maint; drain is a weight of 0 percent.
  [[nodiscard]] Verdict verdict(const std::string& what) const;
};

/// \n, \r, \t, \\ and \xHH as the bytes that they stand for.
std::string unescape(std::string_view text);

}  // namespace ballast::checkd
