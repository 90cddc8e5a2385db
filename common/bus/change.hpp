#pragma once
// What an operator has changed at run time, of what the configuration's file says.
#include "common/bus/messages.hpp"
#include "common/config/amend.hpp"

namespace ballast::bus {

/// Topic `change/<number>`, by ballastd; withdrawn when undone, over, or said by the file itself. Kept across restarts.
struct Change {
  std::uint64_t number = 0;
  config::Amendment amendment;
  std::optional<int> weight_before{};  ///< server_weight: what it is without this change
  std::string by;                      ///< user name
  double since = 0;
  double until = 0;    ///< 0: until undone
  bool saved = false;  ///< `--save`: belongs into the file
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Change, number, amendment, weight_before, by, since, until, saved)

/// What topic `admin/<service>/<server>` holds: the word, and when it is over.
struct ServerWord : ServerAdmin {
  double until = 0;  ///< 0: until undone
};
inline void to_json(nlohmann::json& json, const ServerWord& value) {
  json = static_cast<const ServerAdmin&>(value);
  json["until"] = value.until;
}
/// Words of an older ballastd have no end.
inline void from_json(const nlohmann::json& json, ServerWord& value) {
  json.get_to(static_cast<ServerAdmin&>(value));
  value.until = json.value("until", 0.0);
}

inline std::string change_topic(std::uint64_t number) { return fmt::format("change/{}", number); }

}  // namespace ballast::bus
