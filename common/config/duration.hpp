#pragma once
#include <chrono>

namespace ballast::config {

/// A span of time; JSON is seconds with a fraction. keepalived's files allow microseconds.
using Duration = std::chrono::microseconds;
using namespace std::chrono_literals;

}  // namespace ballast::config
