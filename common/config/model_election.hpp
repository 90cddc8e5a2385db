#pragma once
// How an instance elects its master, where the RFCs and keepalived leave a choice.

namespace ballast::config {

struct Election {
  unsigned down_timer_adverts = 3;       ///< advertisements that may be missing before a backup takes over
  bool lower_prio_no_advert = false;     ///< a MASTER does not answer a losing advertisement (RFC 9568 does)
  bool higher_prio_send_advert = false;  ///< a MASTER that yields says its own priority once more, not 0
  bool strict = false;                   ///< strict_mode: nothing but what the RFCs have
  bool skip_check_adv_addr = false;      ///< an advertisement's addresses are not compared with ours
  bool operator==(const Election&) const = default;
};

}  // namespace ballast::config
