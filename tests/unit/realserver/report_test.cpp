#include "tools/realserver/report.hpp"

#include <gmock/gmock.h>

#include "tests/unit/realserver/machine.hpp"

namespace ballast::realserver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Prepared {
  Found found;
  Record record;
};

Prepared prepare(const Wanted& wish) {
  const auto made = plan(wish, fresh(), {});
  return {after(fresh(), made.steps, wish), before_steps({}, wish, made)};
}

std::vector<std::string> faults(const Report& report) {
  std::vector<std::string> bad;
  for (const auto& item : report.items) {
    if (!item.good) bad.push_back(item.what + ": " + item.state);
  }
  return bad;
}

TEST(RealServerReport, WholeAfterUp) {
  for (const auto mode : {Mode::dr, Mode::tun, Mode::fnat}) {
    const auto [found, record] = prepare(wanted(mode, {"192.0.2.100"}));
    const auto report = inspect(record, found, {});
    EXPECT_THAT(faults(report), IsEmpty());
    EXPECT_TRUE(report.is_whole());
  }
}

TEST(RealServerReport, NothingSetUpIsNotWhole) {
  const auto report = inspect({}, fresh(), {});
  EXPECT_FALSE(report.is_whole());
  EXPECT_EQ(to_text(report), "nothing is set up\n");
}

TEST(RealServerReport, TellsWhatIsMissing) {
  auto [found, record] = prepare(wanted(Mode::tun, {"192.0.2.100", "2001:db8::100"}));
  std::erase_if(found.addresses, [](const auto& each) { return each.prefix.address == ip("192.0.2.100"); });
  found.settings[conf("all", "arp_announce")] = 0;
  found.attachments["eth0"] = {Holder::another, true, "'their_program' (id 7)"};
  EXPECT_THAT(faults(inspect(record, found, {})),
              ElementsAre("192.0.2.100 on lo: missing", "/proc/sys/net/ipv4/conf/all/arp_announce: 0, should be 2",
                          "tunnels on eth0: missing: another XDP program is there, 'their_program' (id 7)"));
}

TEST(RealServerReport, TellsWhoseEachThingIs) {
  auto prepared = fresh();
  prepared.settings[conf("eth0", "arp_ignore")] = 2;
  prepared.addresses.push_back(address(lo, "192.0.2.101/32"));
  const auto wish = wanted(Mode::dr, {"192.0.2.100", "192.0.2.101"});
  const auto made = plan(wish, prepared, {});
  const auto text = to_text(inspect(before_steps({}, wish, made), after(prepared, made.steps, wish), {}));
  EXPECT_THAT(text, HasSubstr("192.0.2.100 on lo: set up\n"));
  EXPECT_THAT(text, HasSubstr("192.0.2.101 on lo: there, by somebody else\n"));
  EXPECT_THAT(text, HasSubstr("eth0/arp_ignore: 2, as it was\n"));
  EXPECT_THAT(text, HasSubstr("all/arp_ignore: 1, set up (was 0)\n"));
}

TEST(RealServerReport, AVipThatAppearedElsewhereIsAFault) {
  auto [found, record] = prepare(wanted(Mode::dr, {"192.0.2.100"}));
  found.addresses.push_back(address(eth0, "192.0.2.100/24"));
  EXPECT_THAT(faults(inspect(record, found, {})),
              ElementsAre("192.0.2.100 on eth0: put there by somebody else, and announced there"));
}

TEST(RealServerReport, LeftOversOfAnInterruptedUndo) {
  auto [found, record] = prepare(wanted(Mode::tun, {"192.0.2.100"}));
  record.wanted.reset();
  const auto report = inspect(record, found, {});
  EXPECT_FALSE(report.is_whole());
  EXPECT_THAT(faults(report),
              ::testing::IsSupersetOf({"192.0.2.100 on lo: left over", "tunnels on eth0: left over",
                                       "/proc/sys/net/ipv4/conf/all/arp_ignore: 1, not put back to 0"}));
}

TEST(RealServerReport, CountersThatAreNotZeroAreTold) {
  const auto [found, record] = prepare(wanted(Mode::tun, {"192.0.2.100"}));
  Counters counters;
  counters.unwrapped = {{"gue", "GUE", 7}, {"gre", "GRE", 0}};
  counters.dropped = {{"ecn", "congestion", 0}};
  const auto report = inspect(record, found, counters);
  EXPECT_THAT(to_text(report), HasSubstr("7  GUE"));
  EXPECT_THAT(to_text(report), Not(HasSubstr("GRE")));
  EXPECT_EQ(to_json(report)["unwrapped"]["gre"], 0);
  EXPECT_EQ(to_json(report)["whole"], true);
}

}  // namespace
}  // namespace ballast::realserver
