#pragma once
#include <string_view>

#include "common/result.hpp"

namespace ballast::ctl {

/// Seconds of `90`, `90s`, `10m`, `1.5h` or `2d`, more than none and up to a year.
Result<double> parse_duration(std::string_view text);

}  // namespace ballast::ctl
