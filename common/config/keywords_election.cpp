// How a master is elected, and how strictly: of one instance, and with `vrrp_` before the name of all.
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr Duration day = 86'400s;
constexpr unsigned most_adverts = 100;

void set_extra_announcements(Binder& binder, const Statement& statement) {
  const bool all = statement.words[1].text == "all";
  if (all && statement.words.size() < 3) {
    binder.report().error(statement.words[1].at, "'all' has no value: expected SECONDS");
    return;
  }
  const auto& word = statement.words[all ? 2 : 1];
  const auto parse = [](std::string_view text) { return parse_seconds(text, 0s, day); };
  const auto interval = read<Duration>(binder, word, parse);
  if (!interval) return;
  binder.announce().extra_interval = *interval;
  binder.announce().extra_all = all;
}

void add_starting_keywords(Table& table) {
  const std::vector here{Context::global_defs};
  const auto global = member_of(&Binder::global);
  table.value("vrrp_startup_delay", here, seconds(0s, day, global(&Global::vrrp_startup_delay)),
              "From the start of the daemon until instances take part; default 0.");
  table.value("vrrp_delay_after_boot", here, seconds(0s, day, global(&Global::vrrp_delay_after_boot)),
              "From the boot of the machine until instances take part; default 0.");
  table.value("vrrp_min_garp", here, boolean(member_of(&Binder::draft)(&Draft::min_garp)),
              "One announcement on taking over, no second burst, unless garp_master_* say more; default off.");
}

}  // namespace

void add_election_keywords(Table& table) {
  using enum Context;
  const auto own = member_of(&Binder::election);
  const auto add = [&](std::string_view global_name, const Value& value, std::string_view doc,
                       std::string_view instance_name = {}) {
    constexpr std::string_view prefix = "vrrp_";
    table.value(global_name, {global_defs}, value, doc);
    table.value(instance_name.empty() ? global_name.substr(prefix.size()) : instance_name, {vrrp_instance}, value, doc);
  };
  add("vrrp_down_timer_adverts", number(1, most_adverts, own(&ElectionDraft::down_timer_adverts)),
      "Advertisements that may be missing before a backup takes over, the same on all routers; default 3.");
  add("vrrp_lower_prio_no_advert", boolean(own(&ElectionDraft::lower_prio_no_advert)),
      "A master does not answer another one of lower priority; default off.");
  add("vrrp_higher_prio_send_advert", boolean(own(&ElectionDraft::higher_prio_send_advert)),
      "A master that yields says its own priority once more instead of 0; default off.");
  add("vrrp_skip_check_adv_addr", boolean(own(&ElectionDraft::skip_check_adv_addr)),
      "Do not compare the addresses that the same master advertises again; default off.");
  add("vrrp_strict", boolean(own(&ElectionDraft::strict)), "Nothing but what the RFCs have; default off.",
      "strict_mode");
  add("vrrp_garp_extra_if", custom("[all] SECONDS (0 to 86400)", 1, 2, set_extra_announcements),
      "Announce so often on other interfaces than the instance's, or on all; 0 (default): never.");
  add_starting_keywords(table);
}

}  // namespace ballast::config
