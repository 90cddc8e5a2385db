#pragma once
// What `status` says: each thing that should be there, and whether it is. Pure.
#include <nlohmann/json.hpp>

#include "tools/realserver/model.hpp"

namespace ballast::realserver {

struct Item {
  std::string what;   ///< "192.0.2.100 on lo"
  std::string state;  ///< "set up", "missing", …
  bool good = true;
  bool operator==(const Item&) const = default;
};

/// A counter that is not 0, in words.
struct Count {
  std::string name;
  std::string words;
  std::uint64_t value = 0;
};

struct Counters {
  std::vector<Count> unwrapped;  ///< packets, by kind of tunnel
  std::vector<Count> dropped;    ///< packets, by reason
  std::vector<Count> clients;    ///< connections
};

struct Report {
  std::string mode;  ///< empty: nothing is set up
  std::vector<Item> items;
  Counters counters;
  [[nodiscard]] bool is_whole() const;
};

Report inspect(const Record& record, const Found& found, Counters counters);

nlohmann::json to_json(const Report& report);
std::string to_text(const Report& report);

}  // namespace ballast::realserver
