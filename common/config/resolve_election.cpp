#include "common/config/resolve.hpp"

namespace ballast::config {
namespace {

constexpr std::uint8_t owner = 255;

/// What the RFCs do not have is an error with strict_mode, each where it is written.
class StrictChecker {
 public:
  StrictChecker(Report& report, const InstanceDraft& draft, const VrrpInstance& made)
      : report_{report}, draft_{draft}, made_{made} {}

  void run() {
    addresses();
    if (!draft_.peers.empty()) refuse(draft_.peers.front().at, "has no unicast peers", "remove unicast_peer");
    if (draft_.state) state();
    if (draft_.preempt_delay && draft_.preempt_delay->value > 0s)
      refuse(draft_.preempt_delay->at, "has no preempt_delay");
    if (made_.version == 2 && draft_.accept == true && made_.priority != owner)
      refuse(draft_.block, "has no accept in version 2");
    if (made_.announce.refresh > 0s) refuse(draft_.block, "has no garp_master_refresh");
    const auto& election = draft_.election;
    if (election.higher_prio_send_advert && election.higher_prio_send_advert->value)
      refuse(election.higher_prio_send_advert->at, "has no higher_prio_send_advert");
    if (made_.election.down_timer_adverts != Election{}.down_timer_adverts)
      refuse(election.down_timer_adverts ? election.down_timer_adverts->at : draft_.block, "waits for 3 advertisements",
             "remove down_timer_adverts");
    if (made_.version == 2 && election.lower_prio_no_advert && !election.lower_prio_no_advert->value)
      refuse(election.lower_prio_no_advert->at, "version 2 does not answer a lower priority");
  }

 private:
  void addresses() {
    if (made_.virtual_addresses.empty())
      refuse(draft_.block, "wants a virtual_ipaddress");
    else if (made_.family == net::Family::ipv6 && !made_.virtual_addresses.front().prefix.address.is_link_local())
      refuse(draft_.addresses.front().at, "wants a link-local address first", "RFC 9568 section 5.2.9");
  }

  void state() {
    const bool master = draft_.state->value == InitialState::master;
    if (master && made_.priority != owner)
      refuse(draft_.state->at, "lets only the owner (priority 255) begin as MASTER", "write state BACKUP");
    else if (!master && made_.priority == owner)
      refuse(draft_.state->at, "lets the owner (priority 255) begin as MASTER", "write state MASTER");
  }

  void refuse(Position at, std::string_view what, std::string hint = {}) {
    report_.error(at, fmt::format("vrrp_instance {} is strict: the RFC {}", made_.name, what), std::move(hint));
  }

  Report& report_;
  const InstanceDraft& draft_;
  const VrrpInstance& made_;
};

}  // namespace

void resolve_election(Binder& binder, const InstanceDraft& draft, VrrpInstance& made) {
  const auto& own = draft.election;
  const auto& global = binder.draft().election;
  const auto pick = [](const auto& inner, const auto& outer, auto fallback) {
    return inner ? inner->value : outer ? outer->value : fallback;
  };
  auto& to = made.election;
  to.strict = pick(own.strict, global.strict, false);
  to.down_timer_adverts = pick(own.down_timer_adverts, global.down_timer_adverts, to.down_timer_adverts);
  // RFC 3768 discards a lower priority, RFC 9568 answers it.
  to.lower_prio_no_advert = pick(own.lower_prio_no_advert, global.lower_prio_no_advert, to.strict && made.version == 2);
  to.higher_prio_send_advert = pick(own.higher_prio_send_advert, global.higher_prio_send_advert, false);
  to.skip_check_adv_addr = own.skip_check_adv_addr.value_or(global.skip_check_adv_addr.value_or(false));
  if (!to.strict) return;
  to.higher_prio_send_advert = false;
  if (!draft.accept) made.accept = made.priority == owner;
  StrictChecker{binder.report(), draft, made}.run();
}

}  // namespace ballast::config
