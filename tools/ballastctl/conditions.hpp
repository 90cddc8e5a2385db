#pragma once
// What `ballastctl wait` waits for, decided over values of the bus.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/ballastctl/status.hpp"

namespace ballast::ctl {

enum class ConditionKind : std::uint8_t { instance, group, server, service, ready, reloaded };

/// One condition: `instance VI_1 MASTER`, `server SERVICE SERVER up`, `service SERVICE down`, `ready`, `reloaded`.
struct Condition {
  ConditionKind kind = ConditionKind::ready;
  std::string name;    ///< of the instance, the group or the service
  std::string server;  ///< with port or without
  std::string state;   ///< as on the bus: MASTER, up
  bool operator==(const Condition&) const = default;
};

/// What the node tells of itself.
struct NodeView {
  const Topics& topics;                   ///< node/, vrrp/, vrrp-group/, health/, service/, admin/
  const config::Model* model = nullptr;   ///< the configuration in force; only `ready` asks for it
  const bus::Event* reloading = nullptr;  ///< the last event of a reload, accepted or refused, since waiting began
};

/// Reads conditions from words. Errors say which word is wrong, and what may stand there.
Result<std::vector<Condition>> parse_conditions(std::span<const std::string> words);

/// None: it holds. Else what it is instead, in words: `instance VI_1 is BACKUP (…), not MASTER`.
std::optional<std::string> unmet(const Condition& condition, const NodeView& view);

/// Whether an event tells of a reload, and whether that one was taken.
bool is_reload(const bus::Event& event);

/// What may follow these words of conditions, for completion.
std::vector<std::string> next_words(std::span<const std::string> words, const Topics& topics);

}  // namespace ballast::ctl
