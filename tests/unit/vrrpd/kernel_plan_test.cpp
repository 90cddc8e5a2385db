// What the kernel should have, out of the configuration and the roles.
#include "daemons/vrrpd/protocol/kernel_plan.hpp"

#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

config::Vmac vmac(const char* name, const char* interface, net::Family family = net::Family::ipv4) {
  return {name, interface, family, net::MacAddress::parse("00:00:5e:00:01:33").value(), {}};
}

config::Route route(const char* destination) {
  config::Route made;
  made.destination = net::Prefix::parse(destination).value();
  return made;
}

KernelPlan plan(const config::VrrpInstance& instance, bool master = true, const config::StaticObjects& statics = {}) {
  const KernelClient client{&instance, master};
  return plan_kernel({&client, 1}, statics, {});
}

TEST(KernelPlan, APlainInstanceNeedsNothing) {
  const auto made = plan(settings());
  EXPECT_THAT(made.vmacs, IsEmpty());
  EXPECT_THAT(made.settings, IsEmpty());
  EXPECT_THAT(made.routes, IsEmpty());
  EXPECT_TRUE(made.firewall.empty());
}

TEST(KernelPlan, RoutesAndRulesAreThereWithTheRoleAndStaticOnesAlways) {
  auto instance = settings();
  instance.kernel.routes = {route("10.1.0.0/16")};
  instance.kernel.rules.emplace_back();
  config::StaticObjects statics;
  statics.routes = {route("10.2.0.0/16")};
  statics.rules.emplace_back();
  EXPECT_THAT(plan(instance, true, statics).routes, SizeIs(2));
  EXPECT_THAT(plan(instance, true, statics).rules, SizeIs(2));
  const auto backup = plan(instance, false, statics);
  EXPECT_THAT(backup.routes, ElementsAre(Owned<config::Route>{statics.routes[0], ""}));
  EXPECT_THAT(backup.rules, SizeIs(1));
}

TEST(KernelPlan, AVirtualMacIsThereInEveryRoleAndKeepsTheInterfaceBelowQuiet) {
  auto instance = settings();
  instance.kernel.vmac = "vrrp.51";
  instance.kernel.vmacs = {vmac("vrrp.51", "eth0")};
  const auto made = plan(instance, false);
  EXPECT_THAT(made.vmacs, ElementsAre(Key("vrrp.51")));
  EXPECT_EQ(made.settings.at("eth0"),
            (std::map<std::string, std::uint32_t>{{"arp_announce", 2}, {"arp_filter", 1}, {"arp_ignore", 1}}));
  EXPECT_EQ(made.settings.at("vrrp.51").at("accept_local"), 1U);
  EXPECT_EQ(made.firewall.vmacs4, (std::map<std::string, std::string>{{"vrrp.51", "eth0"}}));
  instance.kernel.vmacs = {vmac("vrrp.51", "eth0", net::Family::ipv6)};
  EXPECT_THAT(plan(instance).settings, IsEmpty());
  EXPECT_THAT(plan(instance).firewall.vmacs6, SizeIs(1));
}

TEST(KernelPlan, AddressesAreOnTheLinkOfTheirVirtualMac) {
  auto instance = settings();
  instance.virtual_addresses.front().options.vmac = "vrrp.51";
  instance.kernel.promote_secondaries = true;
  const auto there = placed(instance);
  EXPECT_EQ(there.virtual_addresses.front().interface, "vrrp.51");
  EXPECT_EQ(placed(there), there);
  EXPECT_THAT(plan(there).settings, ElementsAre(Key("vrrp.51")));
}

TEST(KernelPlan, WhereAnInstanceHearsAndSpeaks) {
  auto instance = settings();
  EXPECT_EQ(listening_interface(instance), "eth0");
  EXPECT_EQ(sending_interface(instance), "eth0");
  instance.kernel.vmac = "vrrp.51";
  EXPECT_EQ(listening_interface(instance), "vrrp.51");
  EXPECT_EQ(sending_interface(instance), "vrrp.51");
  instance.kernel.transmit_from_base = true;
  EXPECT_EQ(listening_interface(instance), "vrrp.51");
  EXPECT_EQ(sending_interface(instance), "eth0");
  instance.unicast_peers = {{ip("10.0.0.9")}};
  EXPECT_EQ(listening_interface(instance), "eth0");
}

TEST(KernelPlan, UnacceptedAddressesAreThoseOfNoAcceptUnlessTheOwner) {
  auto instance = settings();
  instance.accept = false;
  instance.virtual_addresses.push_back({net::Prefix::parse("fe80::1/64").value(), "eth0", {}, {}, {}});
  const auto made = plan(instance, false);
  EXPECT_THAT(made.firewall.unaccepted, ElementsAre(ip("10.0.0.100")));
  EXPECT_THAT(made.firewall.unaccepted_on_link, ElementsAre(std::pair{ip("fe80::1"), std::string{"eth0"}}));
  instance.priority = 255;
  EXPECT_TRUE(plan(instance).firewall.empty());
}

TEST(FirewallText, OfNothingRemovesTheTables) {
  EXPECT_EQ(firewall_text({}),
            "add table ip ballast_vrrp\ndelete table ip ballast_vrrp\n"
            "add table ip6 ballast_vrrp\ndelete table ip6 ballast_vrrp\n");
}

TEST(FirewallText, OfAnAddressAndAVirtualMac) {
  FirewallPlan wanted;
  wanted.unaccepted = {ip("10.0.0.100")};
  wanted.vmacs4 = {{"vrrp.51", "eth0"}};
  const auto text = firewall_text(wanted);
  EXPECT_THAT(text, HasSubstr(R"(table ip ballast_vrrp {
  set vips { type ipv4_addr; elements = { 10.0.0.100 } }
  map vmacs { type ifname : iface_index; elements = { "vrrp.51" : "eth0" } }
  chain in {
    type filter hook input priority -1; policy accept;
    ip daddr @vips drop
  }
  chain out {
    type filter hook output priority -1; policy accept;
    ip protocol igmp dup to ip daddr device oifname map @vmacs drop
    ip saddr @vips drop
  }
}
)"));
  EXPECT_THAT(text, ::testing::EndsWith("add table ip6 ballast_vrrp\ndelete table ip6 ballast_vrrp\n"));
}

TEST(FirewallText, OfIpv6LetsNeighbourDiscoveryPass) {
  FirewallPlan wanted;
  wanted.settings = {"mine", -5, true};
  wanted.unaccepted = {ip("2001:db8::1")};
  wanted.unaccepted_on_link = {{ip("fe80::1"), "vm6"}};
  EXPECT_THAT(firewall_text(wanted), HasSubstr(R"(table ip6 mine {
  set vips { type ipv6_addr; elements = { 2001:db8::1 } }
  set vips_on_link { type ipv6_addr . ifname; elements = { fe80::1 . "vm6" } }
  chain in {
    type filter hook input priority -5; policy accept;
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter accept
    ip6 daddr . iifname @vips_on_link counter drop
    ip6 daddr @vips counter drop
  }
)"));
}

TEST(Needs, WhatIsMissingIsFaultUntilItIsThere) {
  Scenario scenario;
  scenario.start();
  scenario.on(NeedChanged{"vrrp.51 cannot be made"});
  EXPECT_EQ(scenario.instance.role(), Role::fault);
  EXPECT_EQ(scenario.instance.reason(), "vrrp.51 cannot be made");
  scenario.on(NeedChanged{});
  EXPECT_EQ(scenario.instance.role(), Role::backup);
}

TEST(Needs, AnInterfaceThatIsNotTrackedIsNoFault) {
  auto configured = settings();
  configured.kernel.track_primary = false;
  Scenario scenario{configured};
  scenario.start().after(10s);
  EXPECT_EQ(scenario.instance.role(), Role::master);
  scenario.on(LinkChanged{"eth0", false, "eth0 has no carrier"});
  EXPECT_EQ(scenario.instance.role(), Role::master);
}

}  // namespace
}  // namespace ballast::vrrpd
