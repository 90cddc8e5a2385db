#include "daemons/vrrpd/shell/holds.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "common/runtime/clock.hpp"

namespace ballast::vrrpd {

void Holds::set(const std::string& instance, std::optional<bus::VrrpHold> hold) {
  const bool over = hold && hold->until > 0 && hold->until <= runtime::unix_time();
  if (hold && !over)
    holds_.insert_or_assign(instance, std::move(*hold));
  else
    holds_.erase(instance);
  changed_(instance);
  await_end();
}

std::optional<std::string> Holds::reason(const std::string& instance) const {
  const auto found = holds_.find(instance);
  if (found == holds_.end()) return std::nullopt;
  const auto& hold = found->second;
  auto text = fmt::format("{} by {}", hold.maintenance ? "maintenance" : "handed over", hold.by);
  if (hold.until > 0) text += fmt::format(", until {:%H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(hold.until)));
  return text;
}

void Holds::await_end() {
  std::optional<double> next;
  for (const auto& [instance, hold] : holds_) {
    if (hold.until > 0 && (!next || hold.until < *next)) next = hold.until;
  }
  timer_.cancel();
  if (!next) return;
  // The wall clock may be set: looked at anew once a minute.
  const std::chrono::duration<double> wait{std::clamp(*next - runtime::unix_time(), 0.0, 60.0) + 0.001};
  timer_.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(wait));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) end();
  });
}

void Holds::end() {
  std::vector<std::string> over;
  const auto now = runtime::unix_time();
  for (const auto& [instance, hold] : holds_) {
    if (hold.until > 0 && hold.until <= now) over.push_back(instance);
  }
  for (const auto& instance : over) {
    holds_.erase(instance);
    changed_(instance);
  }
  await_end();
}

}  // namespace ballast::vrrpd
