#include "tools/webhook/policy.hpp"

#include <algorithm>

namespace ballast::webhook {
namespace {

constexpr unsigned request_timeout = 408;
constexpr unsigned too_many_requests = 429;
constexpr double longest_pause = 48'000;
constexpr double spread = 0.25;
constexpr unsigned most_doublings = 16;

}  // namespace

Fate fate_of(unsigned status) {
  if (status >= 200 && status < 300) return Fate::delivered;
  return status >= 500 || status == request_timeout || status == too_many_requests ? Fate::again : Fate::refused;
}

std::chrono::milliseconds pause_before(unsigned next, double random) {
  const auto doublings = std::min(next < 2 ? 0U : next - 2, most_doublings);
  const auto pause = std::min(1'000.0 * static_cast<double>(1U << doublings), longest_pause);
  return std::chrono::milliseconds{static_cast<int>(pause * (1 + spread * random))};
}

}  // namespace ballast::webhook
