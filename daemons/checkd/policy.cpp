#include "daemons/checkd/policy.hpp"

namespace ballast::checkd {

CheckPolicy::CheckPolicy(const config::Check& check, bool up, std::string initial)
    : delay_loop_(check.delay_loop),
      delay_before_retry_(check.delay_before_retry),
      warmup_(check.warmup),
      retry_(check.retry),
      rise_(check.rise),
      up_(up) {
  latest_.reason = std::move(initial);
}

config::Duration CheckPolicy::first_delay(double random) const {
  return config::Duration{static_cast<std::int64_t>(static_cast<double>(warmup_.count()) * random)};
}

CheckPolicy::Step CheckPolicy::on_verdict(const Verdict& verdict) {
  if (verdict.cause == Cause::cannot_probe) return {delay_loop_, adopt(verdict, up_)};
  if (verdict.passed()) {
    failures_ = 0;
    if (!up_ && ++successes_ < rise_) return {delay_loop_, Change::none};
    successes_ = 0;
    return {delay_loop_, adopt(verdict, true)};
  }
  successes_ = 0;
  if (up_ && failures_ < retry_) {
    ++failures_;
    return {delay_before_retry_, Change::none};
  }
  failures_ = 0;
  return {delay_loop_, adopt(verdict, false)};
}

CheckPolicy::Change CheckPolicy::adopt(const Verdict& verdict, bool up) {
  if (up == up_ && verdict.same_kind(latest_)) return Change::none;
  const auto change = up == up_ ? Change::reason : Change::state;
  up_ = up;
  latest_ = verdict;
  return change;
}

config::Duration detection_time(const config::Check& check) {
  return check.delay_loop + (check.retry + 1) * check.connect_timeout + check.retry * check.delay_before_retry;
}

}  // namespace ballast::checkd
