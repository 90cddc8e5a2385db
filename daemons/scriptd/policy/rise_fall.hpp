#pragma once
#include <optional>
#include <string>

#include "common/bus/messages.hpp"

namespace ballast::scriptd {

/// Counts a vrrp_script's results until it is up or down, as keepalived does.
class RiseFall {
 public:
  explicit RiseFall(const config::VrrpScript& script);

  /// One run has ended; `how` in words. The state when it changed or was unknown, or has another reason.
  std::optional<bus::ScriptState> on_result(bool success, const std::string& how, double now);

 private:
  std::string name_;
  unsigned rise_;
  unsigned fall_;
  bool known_ = false;
  bool up_ = false;
  bool in_doubt_;  ///< nothing has run yet, and one success is enough
  unsigned successes_ = 0;
  unsigned failures_ = 0;
  double since_ = 0;
  std::string reason_;
};

}  // namespace ballast::scriptd
