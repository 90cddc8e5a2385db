#pragma once
// An alert as a command line of ballast-mail. Pure.
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "daemons/scriptd/policy/notices.hpp"
#include "daemons/scriptd/policy/service_notices.hpp"

namespace ballast::scriptd {

/// What the text says about where and when.
struct Scene {
  std::string host;  ///< this machine's name
  std::string time;  ///< `2026-01-31 12:00:00 UTC`
};

/// Whether somebody gets a mail about it.
bool is_alert(const Notice& notice, const config::Mail& mail);
bool is_alert(const ServiceNotice& notice, const config::Mail& mail);

/// The arguments. Subject as keepalived has it, for those who filter: `[lb1] VRRP Instance VI_1 - Entering MASTER
/// state`.
std::vector<std::string> alert_arguments(const Notice& notice, const config::Global& global, const Scene& scene);
/// `[lb1] Realserver [10.0.0.1]:tcp:80 of virtual server [203.0.113.10]:tcp:443 - DOWN`, `[lb1] Virtualserver … - UP`.
std::vector<std::string> alert_arguments(const ServiceNotice& notice, const config::Global& global, const Scene& scene);

}  // namespace ballast::scriptd
