#include "tools/ballastctl/duration.hpp"

#include <charconv>

namespace ballast::ctl {

Result<double> parse_duration(std::string_view text) {
  constexpr double year = 365.0 * 86'400;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  const double factor = unit.empty() || unit == "s" ? 1
                        : unit == "m"               ? 60
                        : unit == "h"               ? 3'600
                        : unit == "d"               ? 86'400
                                                    : 0;
  const double seconds = value * factor;
  if (error == std::errc{} && seconds > 0 && seconds <= year) return seconds;
  return fail("'{}' is no span of time, expected 90s, 10m, 1.5h or 2d", text);
}

}  // namespace ballast::ctl
