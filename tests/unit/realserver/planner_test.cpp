#include "tools/realserver/planner.hpp"

#include <gmock/gmock.h>
#include <linux/if_addr.h>

#include <random>

#include "tests/unit/realserver/machine.hpp"

namespace ballast::realserver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* vip = "192.0.2.100";
constexpr const char* vip6 = "2001:db8::100";

std::vector<std::string> words(const std::vector<Step>& steps) {
  std::vector<std::string> described;
  for (const auto& step : steps) described.push_back(describe(step));
  return described;
}

/// A machine on which plans are carried out, with its record.
struct Machine {
  Found found = fresh();
  Record record;

  Plan want(const std::optional<Wanted>& wish) {
    auto made = plan(wish, found, record);
    if (!made.conflicts.empty()) return made;
    record = before_steps(record, wish, made);
    found = after(std::move(found), made.steps, wish);
    record = after_steps(record, found);
    return made;
  }
};

TEST(RealServerPlan, DrQuietsArpBeforeTheAddressAppears) {
  const auto made = plan(wanted(Mode::dr, {vip, vip6}), fresh(), {});
  EXPECT_THAT(words(made.steps), ElementsAre("/proc/sys/net/ipv4/conf/all/arp_ignore: 0 -> 1",
                                             "/proc/sys/net/ipv4/conf/all/arp_announce: 0 -> 2",
                                             "/proc/sys/net/ipv4/conf/eth0/arp_ignore: 0 -> 1",
                                             "/proc/sys/net/ipv4/conf/eth0/arp_announce: 0 -> 2",
                                             "192.0.2.100/32 put on lo", "2001:db8::100/128 put on lo"));
}

TEST(RealServerPlan, AddressesAreMarkedAndNeverASourceByThemselves) {
  const auto made = plan(wanted(Mode::dr, {vip, vip6}), fresh(), {});
  const auto& four = std::get<AddAddress>(made.steps[4]).address;
  const auto& six = std::get<AddAddress>(made.steps[5]).address;
  EXPECT_EQ(four.protocol, address_mark);
  EXPECT_EQ(four.scope, host_scope);
  EXPECT_EQ(six.protocol, address_mark);
  EXPECT_EQ(six.flags, std::uint32_t{IFA_F_NODAD | IFA_F_DEPRECATED});
}

TEST(RealServerPlan, Ipv6AloneTouchesNoSetting) {
  EXPECT_THAT(words(plan(wanted(Mode::dr, {vip6}), fresh(), {}).steps), ElementsAre("2001:db8::100/128 put on lo"));
}

TEST(RealServerPlan, TunUnwrapsBeforeTheAddressAppears) {
  EXPECT_THAT(words(plan(wanted(Mode::tun, {vip6}), fresh(), {}).steps),
              ElementsAre("tunnels are unwrapped", "2001:db8::100/128 put on lo"));
}

TEST(RealServerPlan, FnatNeedsNoAddress) {
  EXPECT_THAT(words(plan(wanted(Mode::fnat, {vip}), fresh(), {}).steps),
              ElementsAre("programs see their clients' addresses"));
}

TEST(RealServerPlan, UndoGoesTheOtherWayRound) {
  Machine machine;
  machine.want(wanted(Mode::tun, {vip}));
  EXPECT_THAT(words(machine.want(std::nullopt).steps),
              ElementsAre("192.0.2.100/32 taken from lo", "tunnels are not unwrapped on eth0",
                          "/proc/sys/net/ipv4/conf/all/arp_ignore: back to 0",
                          "/proc/sys/net/ipv4/conf/all/arp_announce: back to 0",
                          "/proc/sys/net/ipv4/conf/eth0/arp_ignore: back to 0",
                          "/proc/sys/net/ipv4/conf/eth0/arp_announce: back to 0"));
  EXPECT_EQ(machine.record, Record{});
}

TEST(RealServerPlan, ASecondUpOnlyRefreshesPrograms) {
  Machine machine;
  machine.want(wanted(Mode::tun, {vip, vip6}));
  EXPECT_THAT(words(machine.want(wanted(Mode::tun, {vip, vip6})).steps), ElementsAre("tunnels are unwrapped"));
}

TEST(RealServerPlan, StricterSettingsOfOthersStay) {
  auto found = fresh();
  found.settings[conf("all", "arp_ignore")] = 8;
  found.settings[conf("eth0", "arp_ignore")] = 2;
  found.settings[conf("all", "arp_announce")] = found.settings[conf("eth0", "arp_announce")] = 2;
  EXPECT_THAT(words(plan(wanted(Mode::dr, {vip}), found, {}).steps), ElementsAre("192.0.2.100/32 put on lo"));
}

TEST(RealServerPlan, UndoLeavesWhatSomebodyChangedSince) {
  Machine machine;
  machine.want(wanted(Mode::dr, {vip}));
  machine.found.settings[conf("all", "arp_ignore")] = 2;
  const auto made = machine.want(std::nullopt);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("all/arp_ignore is 2, set by somebody else since it was made 1")));
  EXPECT_EQ(machine.found.settings[conf("all", "arp_ignore")], 2);
  EXPECT_EQ(machine.found.settings[conf("eth0", "arp_ignore")], 0);
}

TEST(RealServerPlan, AResetSettingIsSetAgainAndStillGoesBackToTheOldValue) {
  Machine machine;
  machine.found.settings[conf("eth0", "rp_filter")] = 1;
  machine.want(wanted(Mode::tun, {vip}));
  EXPECT_EQ(machine.found.settings[conf("eth0", "rp_filter")], 2);
  machine.found.settings[conf("eth0", "rp_filter")] = 1;
  machine.want(wanted(Mode::tun, {vip}));
  EXPECT_EQ(machine.found.settings[conf("eth0", "rp_filter")], 2);
  machine.want(std::nullopt);
  EXPECT_EQ(machine.found.settings[conf("eth0", "rp_filter")], 1);
}

TEST(RealServerPlan, AVipThatIsOnLoAlreadyIsUsedAndLeft) {
  Machine machine;
  machine.found.addresses.push_back(address(lo, "192.0.2.100/32"));
  const auto made = machine.want(wanted(Mode::dr, {vip}));
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("192.0.2.100 is on lo already, by somebody else")));
  machine.want(std::nullopt);
  EXPECT_THAT(machine.found.addresses, ::testing::Contains(address(lo, "192.0.2.100/32")));
}

TEST(RealServerPlan, AVipThatIsAnnouncedElsewhereIsAConflict) {
  auto found = fresh();
  found.addresses.push_back(address(eth0, "192.0.2.100/24"));
  const auto made = plan(wanted(Mode::dr, {vip, vip6}), found, {});
  ASSERT_THAT(made.conflicts, SizeIs(1));
  EXPECT_THAT(made.conflicts[0].message, HasSubstr("192.0.2.100 is on eth0, put there by somebody else"));
}

TEST(RealServerPlan, OurMarkOnAnotherInterfaceIsNotOurs) {
  auto found = fresh();
  found.addresses.push_back(address(eth0, "192.0.2.100/32", address_mark));
  EXPECT_THAT(plan(std::nullopt, found, {}).steps, IsEmpty());
}

TEST(RealServerPlan, ADaemonsAddressIsNotOurs) {
  auto found = fresh();
  found.addresses.push_back(address(lo, "192.0.2.100/32", netlink::ballast_address_protocol));
  EXPECT_THAT(plan(std::nullopt, found, {}).steps, IsEmpty());
}

TEST(RealServerPlan, AForeignProgramIsAConflictForTunAndNothingToDr) {
  auto found = fresh();
  found.attachments["eth0"] = {Holder::another, true, "'their_program' (id 7)"};
  const auto made = plan(wanted(Mode::tun, {vip}), found, {});
  ASSERT_THAT(made.conflicts, SizeIs(1));
  EXPECT_THAT(made.conflicts[0].message, HasSubstr("interface eth0: another XDP program is attached, 'their_program'"));
  EXPECT_THAT(plan(wanted(Mode::dr, {vip}), found, {}).conflicts, IsEmpty());
}

TEST(RealServerPlan, AllConflictsAreTold) {
  auto found = fresh();
  found.addresses.push_back(address(eth0, "192.0.2.100/24"));
  auto wish = wanted(Mode::tun, {vip});
  wish.interfaces = {"eth7", "eth8"};
  EXPECT_THAT(plan(wish, found, {}).conflicts, SizeIs(3));
}

TEST(RealServerPlan, TheOnlyInterfaceIsTakenAndAmongSeveralSomebodyMustChoose) {
  auto wish = wanted(Mode::tun, {vip});
  wish.interfaces.clear();
  EXPECT_THAT(with_interfaces(wish, fresh().links)->interfaces, ElementsAre("eth0"));
  const std::vector several{link(lo, "lo"), link(2, "eth0"), link(3, "eth1"), link(4, "eth2", false)};
  const auto unclear = with_interfaces(wish, several);
  ASSERT_FALSE(unclear);
  EXPECT_THAT(unclear.error().message, HasSubstr("there are eth0, eth1"));
  wish.mode = Mode::dr;
  EXPECT_THAT(with_interfaces(wish, several)->interfaces, IsEmpty());
}

/// Every change of wishes, cut off after every step, is finished by the next run, and undone without a trace.
TEST(RealServerPlan, CutOffAnywhereTheNextRunFinishes) {
  std::mt19937 random{7};
  const auto start = fresh();
  auto both = wanted(Mode::tun, {vip, vip6});
  both.trust = {prefix("10.0.0.0/24")};
  const std::vector<std::optional<Wanted>> wishes{wanted(Mode::dr, {vip}), wanted(Mode::tun, {vip6}), both,
                                                  wanted(Mode::fnat, {}), std::nullopt};
  for (unsigned round = 0; round < 2000; ++round) {
    Machine machine;
    for (auto& [name, value] : machine.found.settings) value = static_cast<int>(random() % 3);
    const auto settings = machine.found.settings;
    for (unsigned run = 0; run < 6; ++run) {
      const auto& wish = wishes[random() % wishes.size()];
      auto made = plan(wish, machine.found, machine.record);
      ASSERT_THAT(made.conflicts, IsEmpty());
      machine.record = before_steps(machine.record, wish, made);
      made.steps.resize(made.steps.empty() ? 0 : random() % made.steps.size());
      machine.found = after(std::move(machine.found), made.steps, wish);
    }
    const auto& last = wishes[random() % (wishes.size() - 1)];
    machine.want(last);
    for (const auto& step : plan(last, machine.found, machine.record).steps) {
      ASSERT_TRUE(std::holds_alternative<Unwrap>(step) || std::holds_alternative<ShowClients>(step)) << describe(step);
    }
    machine.want(std::nullopt);
    ASSERT_EQ(machine.found.settings, settings) << "round " << round;
    ASSERT_EQ(machine.found.addresses, start.addresses);
    ASSERT_FALSE(machine.found.tunnel_maps || machine.found.client_pins || !machine.found.tunnel_pins.empty());
    ASSERT_EQ(machine.record, Record{});
  }
}

}  // namespace
}  // namespace ballast::realserver
