#pragma once
// What vrrpd's request `doctor` answers.
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/enum_names.hpp"

namespace ballast::bus {

/// critical: the VIP is, or soon will be, on no router or on two; warning: it will be when something else fails; note:
/// worth knowing.
enum class Gravity : std::uint8_t { critical, warning, note };
constexpr auto enum_names(Gravity*) {
  using enum Gravity;
  return std::array{std::pair{critical, std::string_view{"critical"}}, std::pair{warning, std::string_view{"warning"}},
                    std::pair{note, std::string_view{"note"}}};
}

struct Finding {
  Gravity gravity = Gravity::note;
  std::string code;      ///< stable, for scripts: `duplicate-owner`
  std::string instance;  ///< empty: the whole host
  std::string where;     ///< interface, address or peer
  std::string what;
  std::string meaning;
  std::string advice;
  bool operator==(const Finding&) const = default;
};

struct Diagnosis {
  std::vector<Finding> findings;        ///< the gravest first
  std::vector<std::string> instances;   ///< what was looked at
  std::vector<std::string> interfaces;  ///< where it was listened
  std::vector<std::string> unchecked;   ///< what could not be looked at, and why
  double seconds = 0;                   ///< how long it was listened
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Finding, gravity, code, instance, where, what, meaning, advice)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Diagnosis, findings, instances, interfaces, unchecked, seconds)

}  // namespace ballast::bus
