#include "common/config/kernel_names.hpp"

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "common/config/source.hpp"

namespace ballast::config {
namespace {

using Names = std::initializer_list<std::pair<std::string_view, std::uint32_t>>;

std::optional<std::uint32_t> number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hexadecimal ? text.substr(2) : text;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// From a file of lines `NUMBER NAME`, `#` beginning a remark.
std::optional<std::uint32_t> find_in(const char* file, std::string_view name) {
  std::ifstream lines{file};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string value;
    std::string known;
    if (words >> value >> known && known == name) return number(value);
  }
  return std::nullopt;
}

Result<std::uint32_t> parse_named(std::string_view text, std::string_view what, Names names, const char* file,
                                  std::uint32_t least, std::uint32_t most) {
  auto value = number(text);
  for (const auto& [name, known] : names) {
    if (name == text) value = known;
  }
  if (!value && file != nullptr && !text.empty()) value = find_in(file, text);
  if (value && *value >= least && *value <= most) return *value;
  return fail("'{}' is no {}: expected a number from {} to {} or a name{}", shorten(text), what, least, most,
              file == nullptr ? "" : fmt::format(" of {}", file));
}

Result<std::uint8_t> narrow(Result<std::uint32_t> value) {
  if (!value) return value.error();
  return static_cast<std::uint8_t>(*value);
}

}  // namespace

Result<std::uint32_t> parse_any_number(std::string_view text, std::uint32_t most) {
  if (const auto value = number(text); value && *value <= most) return *value;
  return fail("'{}' is no number from 0 to {}", shorten(text), most);
}

Result<std::uint32_t> parse_table(std::string_view text) {
  return parse_named(text, "routing table", {{"local", 255}, {"main", 254}, {"default", 253}},
                     "/etc/iproute2/rt_tables", 1, 0xffff'ffff);
}

Result<std::uint8_t> parse_route_protocol(std::string_view text) {
  return narrow(parse_named(text, "protocol of routes",
                            {{"redirect", 1}, {"kernel", 2}, {"boot", 3}, {"static", 4}, {"ra", 9}, {"keepalived", 18}},
                            "/etc/iproute2/rt_protos", 0, 255));
}

Result<std::uint8_t> parse_scope(std::string_view text) {
  return narrow(parse_named(
      text, "scope", {{"global", 0}, {"universe", 0}, {"site", 200}, {"link", 253}, {"host", 254}, {"nowhere", 255}},
      nullptr, 0, 255));
}

Result<std::uint32_t> parse_realms(std::string_view text) {
  constexpr std::uint32_t most = 0xffff;
  const auto slash = text.find('/');
  const auto half = [&](std::string_view part) {
    return parse_named(part, "realm", {}, "/etc/iproute2/rt_realms", 0, most);
  };
  const auto to = half(slash == std::string_view::npos ? text : text.substr(slash + 1));
  if (!to || slash == std::string_view::npos) return to;
  const auto from = half(text.substr(0, slash));
  if (!from) return from;
  return *from << 16 | *to;
}

Result<std::uint8_t> parse_tos(std::string_view text) {
  return narrow(parse_named(text, "tos", {}, "/etc/iproute2/rt_dsfield", 0, 255));
}

Result<std::uint32_t> parse_link_group(std::string_view text) {
  return parse_named(text, "group of links", {{"default", 0}}, "/etc/iproute2/group", 0, 0x7fff'ffff);
}

}  // namespace ballast::config
