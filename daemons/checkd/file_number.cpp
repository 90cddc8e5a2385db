#include "daemons/checkd/file_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

namespace ballast::checkd {

std::optional<int> parse_number(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  auto word = text.substr(begin, text.find_first_of(std::string_view{" \t\r\n\0", 5}, begin) - begin);
  if (word.starts_with('+')) {
    word.remove_prefix(1);
    if (word.starts_with('-')) return std::nullopt;
  }
  int value = 0;
  const auto* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

Verdict judge_file(const config::FileCheck& check, const FileText& file) {
  const auto number = file.fault.empty() ? parse_number(file.text) : std::nullopt;
  const int value = number.value_or(0);
  auto what = fmt::format("track_file {} ({}): {}", check.name, check.path, value);
  if (!number) what += fmt::format(", for {}", file.fault.empty() ? "it holds no number" : file.fault);
  if (check.weight == 0) {
    const bool bad = (value != 0) != check.reverse;
    if (!bad) return {Cause::passed, 0, std::move(what), {}};
    return {Cause::content, 0, fmt::format("{}, wanted {}", what, check.reverse ? "any number but 0" : "0"), {}};
  }
  constexpr std::int64_t fault = std::numeric_limits<int>::min();
  const std::int64_t product = std::int64_t{value} * check.weight * (check.reverse ? -1 : 1);
  if (product <= fault) return {Cause::content, 1, fmt::format("{}, a weight of {} or below", what, fault), {}};
  if (!check.dynamic) return {Cause::passed, 0, std::move(what), {}};
  const auto added = static_cast<int>(std::min<std::int64_t>(product, std::numeric_limits<int>::max()));
  Verdict verdict{Cause::passed, 0, fmt::format("{}, weight {:+}", what, added), {}};
  verdict.weight = {WeightWord::Kind::added, added};
  return verdict;
}

}  // namespace ballast::checkd
