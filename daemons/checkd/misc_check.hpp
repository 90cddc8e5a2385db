#pragma once
#include "daemons/checkd/checker.hpp"

namespace ballast::checkd {

/// MISC_CHECK: a program ends with status 0. scriptd runs it: checkd has no right to become its user. With misc_dynamic
/// 1 fails, and 2 and more pass with a weight of two less.
class MiscCheck final : public Checker {
 public:
  MiscCheck(const Surroundings& surroundings, const config::Check& check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  Surroundings surroundings_;
  config::MiscCheck check_;
  config::Duration timeout_;
};

/// What scriptd's answer to `check` says of the server. No answer says nothing of it.
Verdict judge(const config::MiscCheck& check, config::Duration timeout, const Result<nlohmann::json>& answer);

}  // namespace ballast::checkd
