#include "daemons/vrrpd/protocol/diagnosis.hpp"

#include <gmock/gmock.h>

#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {
namespace {

using namespace std::chrono_literals;
using bus::VrrpRole;
using net::IpAddress;
using net::MacAddress;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const IpAddress vip = ip("10.0.0.100");
const IpAddress own = ip("10.0.0.2");
const IpAddress peer = ip("10.0.0.1");
const MacAddress peers_mac = MacAddress::parse("02:00:00:00:00:01").value();
const MacAddress third_mac = MacAddress::parse("02:00:00:00:00:03").value();

Heard advertisement() {
  Heard heard;
  heard.source = peer;
  heard.mac = peers_mac;
  heard.ttl = 255;
  heard.version = 3;
  heard.vrid = 51;
  heard.priority = 150;
  heard.interval = 1s;
  heard.addresses = {vip};
  heard.pseudo_header = true;
  heard.count = 3;
  return heard;
}

/// A backup with priority 100 whose master is `peer`, and all is well.
Observation backup() {
  Observation seen;
  seen.instance = "VI_1";
  seen.interface = seen.hears_on = seen.sends_on = "eth0";
  seen.vrid = 51;
  seen.interval = 1s;
  seen.role = VrrpRole::backup;
  seen.source = own;
  seen.master = peer;
  seen.listened = true;
  seen.heard = {advertisement()};
  seen.arrivals = {{peer, 3, 3, "eth0"}};
  seen.vips = {{vip, "eth0", true, {}, false, false, "eth0", {peers_mac}, {}}};
  seen.link = {true, true, true, true, false, 1500, "", 0, 0};
  return seen;
}

/// A master, alone, and all is well.
Observation master() {
  auto seen = backup();
  seen.role = VrrpRole::master;
  seen.holds_addresses = true;
  seen.master = own;
  seen.heard.clear();
  seen.arrivals.clear();
  seen.sent = seen.left = 3;
  seen.vips.front().answers.clear();
  seen.vips.front().present_on = {"eth0"};
  return seen;
}

std::vector<std::string> codes(const Findings& findings) {
  std::vector<std::string> all;
  for (const auto& finding : findings) {
    EXPECT_FALSE(finding.what.empty() || finding.meaning.empty() || finding.advice.empty()) << finding.code;
    all.push_back(finding.code);
  }
  return all;
}

std::vector<std::string> codes(const Observation& seen) { return codes(diagnose(seen)); }

TEST(Diagnosis, WhoIsWellHasNoFinding) {
  EXPECT_THAT(codes(backup()), IsEmpty());
  EXPECT_THAT(codes(master()), IsEmpty());
  EXPECT_THAT(codes(diagnose(HostObservation{})), IsEmpty());
}

TEST(Diagnosis, TwoHaveTheAddress) {
  auto seen = backup();
  seen.vips.front().answers = {peers_mac, third_mac};
  const auto findings = diagnose(seen);
  EXPECT_THAT(codes(findings), ElementsAre("duplicate-owner"));
  EXPECT_THAT(findings.front().what, HasSubstr("02:00:00:00:00:01 (which 10.0.0.1 advertises from)"));
  seen = master();
  seen.vips.front().answers = {virtual_mac(net::Family::ipv4, 52)};
  EXPECT_THAT(diagnose(seen).front().what, HasSubstr("the virtual MAC of VRID 52"));
  EXPECT_THAT(codes(seen), ElementsAre("duplicate-owner"));
}

TEST(Diagnosis, AnotherHasTheAddressThanTheMaster) {
  auto seen = backup();
  seen.vips.front().answers = {third_mac};
  EXPECT_THAT(codes(seen), ElementsAre("foreign-owner"));
  seen.vips.front().answers = {virtual_mac(net::Family::ipv4, 51)};
  EXPECT_THAT(codes(seen), IsEmpty()) << "the virtual MAC of the VRID is the master's";
}

TEST(Diagnosis, TheAddressIsThereAndNoMaster) {
  auto seen = backup();
  seen.heard.clear();
  EXPECT_THAT(codes(seen), ElementsAre("foreign-owner"));
}

TEST(Diagnosis, NobodyAnswersForTheMastersAddress) {
  auto seen = backup();
  seen.vips.front().answers.clear();
  EXPECT_THAT(codes(seen), ElementsAre("vip-unanswered"));
  seen.heard.front().ttl = 254;
  EXPECT_THAT(codes(seen), IsEmpty()) << "the master is behind a router: so is the address";
}

TEST(Diagnosis, AnotherInterfaceOfThisHostAnswers) {
  auto seen = master();
  seen.vips.front().own_answers = {"eth1"};
  EXPECT_THAT(codes(seen), ElementsAre("arp-flux"));
}

TEST(Diagnosis, AFirewallDropsWhatComesIn) {
  auto seen = backup();
  seen.arrivals.front().received = 2;
  EXPECT_THAT(codes(seen), IsEmpty()) << "one may be on its way";
  seen.arrivals.front().received = 0;
  EXPECT_THAT(codes(seen), ElementsAre("input-dropped"));
  seen.role = VrrpRole::master;
  seen.holds_addresses = true;
  seen.vips.front().present_on = {"eth0"};
  seen.vips.front().answers.clear();
  EXPECT_THAT(codes(seen), ElementsAre("input-dropped")) << "that there are two masters follows from it";
}

TEST(Diagnosis, TheReversePathFilterDropsWhatComesIn) {
  auto seen = backup();
  seen.arrivals.front() = {peer, 3, 0, "eth1"};
  EXPECT_THAT(codes(seen), ElementsAre("input-dropped")) << "the filter is off";
  seen.link.rp_filter = 1;
  EXPECT_THAT(codes(seen), ElementsAre("rp-filter"));
}

TEST(Diagnosis, AFirewallDropsWhatGoesOut) {
  auto seen = master();
  seen.left = 2;
  EXPECT_THAT(codes(seen), IsEmpty());
  seen.left = 0;
  EXPECT_THAT(codes(seen), ElementsAre("output-dropped"));
  seen = master();
  seen.send_failed = 1;
  seen.send_error = "cannot send to 224.0.0.18: Operation not permitted";
  EXPECT_THAT(codes(seen), ElementsAre("output-dropped"));
}

TEST(Diagnosis, WhereNobodyListenedNothingIsMissed) {
  auto seen = master();
  seen.listened = false;
  seen.left = 0;
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, EachReceiveCheckHasItsFinding) {
  using enum Refused;
  const std::vector<std::pair<Refused, std::string>> cases{{ttl, "wrong-ttl"},
                                                           {version, "version-mismatch"},
                                                           {type, "malformed"},
                                                           {length, "malformed"},
                                                           {checksum, "wrong-checksum"},
                                                           {authentication, "authentication-mismatch"},
                                                           {interval, "interval-mismatch"},
                                                           {address_count, "malformed"},
                                                           {source, "no-unicast-peer"},
                                                           {hmac_missing, "authentication-mismatch"},
                                                           {hmac_malformed, "authentication-mismatch"},
                                                           {hmac_unknown_key, "authentication-mismatch"},
                                                           {hmac_forged, "authentication-mismatch"},
                                                           {hmac_stale, "clock-skew"},
                                                           {hmac_replayed, "replayed"}};
  for (const auto& [check, code] : cases) {
    auto seen = backup();
    seen.vips.front().probed_on.clear();
    seen.heard.front().refused = check;
    seen.heard.front().refusal = "in words";
    EXPECT_THAT(codes(seen), ElementsAre(code)) << name_of(check);
  }
  auto seen = backup();
  seen.vips.front().probed_on.clear();
  seen.heard.front().refused = length;
  seen.heard.front().refusal = "in words";
  seen.heard.front().trailer = true;
  EXPECT_THAT(codes(seen), ElementsAre("authentication-mismatch"));
}

TEST(Diagnosis, OneSenderHasOneFindingOfAKind) {
  auto seen = backup();
  seen.heard.front().priority = 100;
  seen.heard.push_back(seen.heard.front());
  EXPECT_THAT(codes(seen), ElementsAre("same-priority"));
}

TEST(Diagnosis, OtherAddresses) {
  auto seen = backup();
  seen.heard.front().addresses = {vip, ip("10.0.0.101")};
  const auto findings = diagnose(seen);
  EXPECT_THAT(codes(findings), ElementsAre("address-mismatch"));
  EXPECT_THAT(findings.front().what, HasSubstr("only there 10.0.0.101, only here none"));
  seen.skips_address_check = true;
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, AnotherGroupHasOurVrid) {
  auto seen = backup();
  seen.vips.front().answers.clear();
  seen.heard.front().addresses = {ip("10.0.0.77")};
  EXPECT_THAT(codes(seen), ElementsAre("vrid-collision"));
}

TEST(Diagnosis, AnotherVridHasOurAddresses) {
  auto seen = master();
  seen.strangers = {advertisement()};
  seen.strangers.front().vrid = 52;
  const auto findings = diagnose(seen);
  EXPECT_THAT(codes(findings), ElementsAre("other-vrid"));
  EXPECT_THAT(findings.front().what, HasSubstr("10.0.0.1 advertises VRID 52"));
}

TEST(Diagnosis, AnotherIntervalOrChecksumIsTold) {
  auto seen = backup();
  seen.heard.front().interval = 2s;
  EXPECT_THAT(codes(seen), ElementsAre("interval-mismatch"));
  seen = backup();
  seen.heard.front().pseudo_header = false;
  EXPECT_THAT(codes(seen), ElementsAre("checksum-form"));
  seen.message_checksum = true;
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, AClockThatGoesAwayIsToldBeforeItIsTooLate) {
  auto seen = backup();
  seen.time_window = 5;
  seen.heard.front().skew = -2;
  EXPECT_THAT(codes(seen), IsEmpty());
  seen.heard.front().skew = -3;
  EXPECT_THAT(codes(seen), ElementsAre("clock-skew"));
  seen.time_window = 0;
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, TwoMasters) {
  auto seen = master();
  seen.heard = {advertisement()};
  seen.heard.front().priority = 90;
  seen.arrivals = {{peer, 3, 3, "eth0"}};
  EXPECT_THAT(codes(seen), ElementsAre("two-masters"));
  seen.heard.front().count = 1;
  EXPECT_THAT(codes(seen), IsEmpty()) << "it has just yielded";
  seen = backup();
  seen.heard.push_back(advertisement());
  seen.heard.back().source = ip("10.0.0.3");
  seen.heard.back().priority = 90;
  EXPECT_THAT(codes(seen), ElementsAre("two-masters"));
}

TEST(Diagnosis, AfterAChangeOfRolesOwnersAreNotJudged) {
  auto seen = master();
  seen.heard = {advertisement()};
  seen.vips.front().answers = {peers_mac};
  seen.role_changed = true;
  EXPECT_THAT(codes(seen), ElementsAre("role-changed"));
}

TEST(Diagnosis, AGroupsFault) {
  auto seen = backup();
  seen.role = VrrpRole::fault;
  seen.reason = "VI_2 of the group is in FAULT";
  EXPECT_THAT(codes(seen), ElementsAre("fault"));
}

TEST(Diagnosis, WhoLeavesIsNoMaster) {
  auto seen = master();
  seen.heard = {advertisement()};
  seen.heard.front().priority = priority_leaving;
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, UnicastAndMulticast) {
  auto seen = backup();
  seen.vips.front().probed_on.clear();
  seen.heard.front().multicast = false;
  EXPECT_THAT(codes(seen), ElementsAre("unicast-mismatch"));
  seen.peers = {ip("10.0.0.9")};
  EXPECT_THAT(codes(seen), ElementsAre("no-unicast-peer"));
  seen.peers = {peer};
  EXPECT_THAT(codes(seen), IsEmpty());
}

TEST(Diagnosis, AnotherMachineSendsFromOurAddress) {
  auto seen = master();
  seen.heard = {advertisement()};
  seen.heard.front().source = own;
  EXPECT_THAT(codes(seen), ElementsAre("duplicate-source"));
}

TEST(Diagnosis, TheInterface) {
  const auto with = [](auto change) {
    auto seen = backup();
    change(seen);
    return codes(seen);
  };
  EXPECT_THAT(with([](auto& seen) { seen.link = {}; }), ElementsAre("no-interface"));
  EXPECT_THAT(with([](auto& seen) { seen.link.up = false; }), ElementsAre("interface-down"));
  EXPECT_THAT(with([](auto& seen) { seen.link.carrier = false; }), ElementsAre("no-carrier"));
  EXPECT_THAT(with([](auto& seen) { seen.link.multicast = false; }), ElementsAre("no-multicast"));
  EXPECT_THAT(with([](auto& seen) { seen.fault = "eth7 does not exist"; }), ElementsAre("fault"));
  EXPECT_THAT(with([](auto& seen) { seen.source.reset(); }), ElementsAre("no-source"));
  EXPECT_THAT(with([](auto& seen) { seen.link.mtu = 31; }), ElementsAre("mtu"));
  EXPECT_THAT(with([](auto& seen) {
                seen.link.parent = "bond0";
                seen.link.parent_mtu = 1400;
              }),
              ElementsAre("mtu"));
}

TEST(Diagnosis, Ipv6OnTheInterface) {
  auto seen = backup();
  seen.family = net::Family::ipv6;
  seen.heard.clear();
  seen.vips.front().probed_on.clear();
  seen.link.ipv6_disabled = true;
  EXPECT_THAT(codes(seen), ElementsAre("ipv6-disabled"));
}

TEST(Diagnosis, TheAddressesOnThisHost) {
  auto seen = master();
  seen.vips.front().present_on.clear();
  EXPECT_THAT(codes(seen), ElementsAre("vip-missing"));
  seen = master();
  seen.vips.front().duplicate = true;
  EXPECT_THAT(codes(seen), ElementsAre("dad-failed"));
  seen = master();
  seen.vips.front().tentative = true;
  EXPECT_THAT(codes(seen), ElementsAre("tentative"));
  seen = backup();
  seen.vips.front().present_on = {"eth0"};
  EXPECT_THAT(codes(seen), ElementsAre("vip-not-ours"));
  seen.vips.front().present_on = {"lo"};
  EXPECT_THAT(codes(seen), IsEmpty()) << "a load balancer that is a real server, too";
  seen.vips.front().present_on = {"eth0"};
  seen.holds_addresses = true;
  EXPECT_THAT(codes(seen), IsEmpty()) << "it has just handed over";
}

TEST(Diagnosis, TheHost) {
  HostObservation seen;
  seen.real_time = false;
  seen.needs_clock = true;
  seen.needs_forwarding4 = {"tcp:10.0.0.100:80"};
  seen.forwards4 = false;
  seen.settings = {{"eth0", "arp_ignore", 1, 0}, {"eth0", "arp_announce", 2, 2}};
  EXPECT_THAT(codes(diagnose(seen)), ElementsAre("no-real-time", "forwarding-off", "setting-changed"));
  seen.clock_synchronised = false;
  auto findings = diagnose(seen);
  sort_by_gravity(findings);
  EXPECT_THAT(codes(findings),
              ElementsAre("forwarding-off", "clock-unsynchronised", "setting-changed", "no-real-time"));
}

TEST(Diagnosis, AnObservationIsReadAsItWasWritten) {
  auto seen = backup();
  seen.heard.front().refused = Refused::hmac_stale;
  const nlohmann::json json = seen;
  EXPECT_EQ(nlohmann::json(json.get<Observation>()), json);
}

}  // namespace
}  // namespace ballast::vrrpd
