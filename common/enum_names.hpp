#pragma once
#include <fmt/format.h>

#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ballast {

/// The one table of an enum's names, found by argument-dependent lookup:
/// `constexpr auto enum_names(Role*) { return std::array{std::pair{Role::master, std::string_view{"MASTER"}}, …}; }`
/// Text, JSON and configuration keywords all come from it. The first name of a value is the one printed.
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires {
  enum_names(static_cast<T*>(nullptr));
};

template <NamedEnum T>
constexpr std::string_view name_of(T value) {
  for (const auto& [candidate, name] : enum_names(static_cast<T*>(nullptr))) {
    if (candidate == value) return name;
  }
  return "?";
}

template <NamedEnum T>
constexpr std::optional<T> from_name(std::string_view text) {
  for (const auto& [value, name] : enum_names(static_cast<T*>(nullptr))) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace ballast

template <ballast::NamedEnum T>
struct fmt::formatter<T> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(T value, Context& context) const {
    return fmt::formatter<std::string_view>::format(ballast::name_of(value), context);
  }
};

NLOHMANN_JSON_NAMESPACE_BEGIN
template <ballast::NamedEnum T>
struct adl_serializer<T> {
  static void to_json(json& out, T value) { out = std::string{ballast::name_of(value)}; }
  static void from_json(const json& in, T& value) {
    const auto found = ballast::from_name<T>(in.get<std::string>());
    if (!found) throw json::type_error::create(302, "unknown value '" + in.get<std::string>() + "'", &in);
    value = *found;
  }
};
template <class T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& out, const std::optional<T>& value) {
    if (value)
      out = *value;
    else
      out = nullptr;
  }
  static void from_json(const json& in, std::optional<T>& value) {
    if (in.is_null())
      value.reset();
    else
      value = in.get<T>();
  }
};
NLOHMANN_JSON_NAMESPACE_END
