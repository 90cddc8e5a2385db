// How a master is elected: down_timer_adverts and its kin, strict_mode, the delays of a start.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string instance(const std::string& more = {}, const std::string& globals = {}) {
  return "global_defs {\n" + globals + "\n}\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nversion 3\n" +
         more + "\nvirtual_ipaddress {\n10.0.0.100/24\n}\n}\n";
}

Election election(const std::string& more = {}, const std::string& globals = {}) {
  const auto loaded = read_text(instance(more, globals));
  EXPECT_THAT(faults(loaded), IsEmpty());
  return loaded.model.vrrp_instances.at(0).election;
}

TEST(Election, HasTheRfcsDefaults) { EXPECT_EQ(election(), Election{}); }

TEST(Election, AnInstanceCountsBeforeTheWholeNode) {
  EXPECT_EQ(election({}, "vrrp_down_timer_adverts 5").down_timer_adverts, 5U);
  EXPECT_EQ(election("down_timer_adverts 2", "vrrp_down_timer_adverts 5").down_timer_adverts, 2U);
  EXPECT_TRUE(election({}, "vrrp_lower_prio_no_advert").lower_prio_no_advert);
  EXPECT_FALSE(election("lower_prio_no_advert off", "vrrp_lower_prio_no_advert").lower_prio_no_advert);
  EXPECT_TRUE(election("higher_prio_send_advert").higher_prio_send_advert);
  EXPECT_TRUE(election({}, "vrrp_skip_check_adv_addr").skip_check_adv_addr);
}

TEST(Election, WaitsFor1To100Advertisements) {
  EXPECT_THAT(faults(read_text(instance("down_timer_adverts 0"))), Contains(HasSubstr("1 to 100")));
  EXPECT_THAT(faults(read_text(instance("down_timer_adverts 101"))), Contains(HasSubstr("1 to 100")));
}

TEST(Election, TheDelaysOfAStartAreTheNodes) {
  const auto global = read_text(instance({}, "vrrp_startup_delay 5.5\nvrrp_delay_after_boot 15.23")).model.global;
  EXPECT_EQ(global.vrrp_startup_delay, 5500ms);
  EXPECT_EQ(global.vrrp_delay_after_boot, 15230ms);
}

TEST(Election, MinGarpIsOneAnnouncementUnlessMoreIsSaid) {
  const auto announce = [](const std::string& more) {
    return read_text(instance(more, "vrrp_min_garp")).model.vrrp_instances.at(0).announce;
  };
  EXPECT_EQ(announce("").repeat, 1U);
  EXPECT_EQ(announce("").delay, 0s);
  EXPECT_EQ(announce("garp_master_repeat 3").repeat, 3U);
}

TEST(Election, ExtraInterfacesAreAnnouncedOnEverySoOften) {
  const auto announce = [](const std::string& line) {
    return read_text(instance(line)).model.vrrp_instances.at(0).announce;
  };
  EXPECT_EQ(announce("garp_extra_if 100").extra_interval, 100s);
  EXPECT_FALSE(announce("garp_extra_if 100").extra_all);
  EXPECT_TRUE(announce("garp_extra_if all 100").extra_all);
  EXPECT_THAT(faults(read_text(instance("garp_extra_if all"))), Contains(HasSubstr("'all' has no value")));
}

TEST(Strict, AConfigurationAfterTheRfcIsTaken) {
  const auto loaded = read_text(instance("strict_mode"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_TRUE(loaded.model.vrrp_instances.at(0).election.strict);
  EXPECT_FALSE(loaded.model.vrrp_instances.at(0).accept) << "only the owner answers for the addresses";
}

TEST(Strict, EachThingThatNoRfcHasIsNamed) {
  const auto refused = [](const std::string& line) { return faults(read_text(instance("strict_mode\n" + line))); };
  EXPECT_THAT(refused("preempt_delay 5"), ElementsAre(HasSubstr("VI_1 is strict: the RFC has no preempt_delay")));
  EXPECT_THAT(refused("state MASTER"), ElementsAre(HasSubstr("only the owner")));
  EXPECT_THAT(refused("unicast_peer {\n10.0.0.2\n}"), ElementsAre(HasSubstr("no unicast peers")));
  EXPECT_THAT(refused("higher_prio_send_advert"), ElementsAre(HasSubstr("higher_prio_send_advert")));
  EXPECT_THAT(refused("down_timer_adverts 5"), ElementsAre(HasSubstr("3 advertisements")));
  EXPECT_THAT(refused("garp_master_refresh 60"), ElementsAre(HasSubstr("garp_master_refresh")));
}

TEST(Strict, Version2DoesNotAnswerALowerPriority) {
  const auto loaded = read_text(instance("version 2\nstrict_mode"));
  EXPECT_TRUE(loaded.model.vrrp_instances.at(0).election.lower_prio_no_advert);
  EXPECT_THAT(faults(read_text(instance("version 2\nstrict_mode\nlower_prio_no_advert off"))),
              Contains(HasSubstr("does not answer")));
}

TEST(Strict, OneInstanceMayBeLessStrict) {
  EXPECT_TRUE(election("", "vrrp_strict").strict);
  EXPECT_FALSE(election("strict_mode off", "vrrp_strict").strict);
}

}  // namespace
}  // namespace ballast::config
