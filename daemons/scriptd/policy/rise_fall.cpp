#include "daemons/scriptd/policy/rise_fall.hpp"

#include <fmt/format.h>

namespace ballast::scriptd {

RiseFall::RiseFall(const config::VrrpScript& script)
    : name_{script.name}, rise_{script.rise}, fall_{script.fall}, in_doubt_{!script.init_fail} {}

std::optional<bus::ScriptState> RiseFall::on_result(bool success, const std::string& how, double now) {
  successes_ = success ? successes_ + 1 : 0;
  failures_ = success ? 0 : failures_ + 1;
  const bool before = up_;
  const bool was_known = std::exchange(known_, true);
  if (up_)
    up_ = failures_ < fall_;
  else
    up_ = successes_ >= (in_doubt_ ? 1 : rise_);
  in_doubt_ = false;
  const bool changed = !was_known || before != up_;
  if (changed) since_ = now;
  // While it has not failed often enough, or not succeeded, what it was last told is what holds.
  if (!changed && success != up_) return std::nullopt;
  const auto times = !success && changed && fall_ > 1 && was_known ? fmt::format(", {} times", failures_) : "";
  if (!changed && (success || how == reason_.substr(0, how.size()))) return std::nullopt;
  reason_ = how + times;
  return bus::ScriptState{name_, up_, since_, reason_};
}

}  // namespace ballast::scriptd
