// What VRRP programs into the kernel, as written and as understood.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// The model of an instance with further lines, and no faults.
VrrpInstance made(const std::string& lines, const std::string& address = "192.0.2.100/24") {
  const auto loaded = read_text(instance(lines, "VI_1", 51, address));
  EXPECT_THAT(faults(loaded), IsEmpty());
  return loaded.model.vrrp_instances.empty() ? VrrpInstance{} : loaded.model.vrrp_instances.front();
}

std::vector<std::string> vmac_names(const std::string& text) {
  const auto loaded = read_text(text);
  EXPECT_THAT(errors(loaded), IsEmpty());
  std::vector<std::string> names;
  for (const auto& instance : loaded.model.vrrp_instances) {
    for (const auto& vmac : instance.kernel.vmacs) {
      names.push_back(fmt::format("{} {} {}", vmac.name, vmac.interface, vmac.mac));
    }
  }
  return names;
}

std::string with_route(const std::string& route) { return "  virtual_routes {\n    " + route + "\n  }"; }
std::string with_rule(const std::string& rule) { return "  virtual_rules {\n    " + rule + "\n  }"; }

Route route(const std::string& text) {
  const auto routes = made(with_route(text)).kernel.routes;
  return routes.size() == 1 ? routes.front() : Route{};
}

Rule rule(const std::string& text) {
  const auto rules = made(with_rule(text)).kernel.rules;
  return rules.size() == 1 ? rules.front() : Rule{};
}

std::string fault_of(const std::string& lines) {
  const auto all = errors(read_text(instance(lines)));
  return all.empty() ? "" : all.front();
}

TEST(Vmac, HasTheMacOfTheRfcAndKeepalivedsName) {
  const auto four = made("  use_vmac");
  EXPECT_EQ(four.kernel.vmac, "vrrp.51");
  EXPECT_EQ(four.kernel.vmacs.front().mac.to_string(), "00:00:5e:00:01:33");
  EXPECT_EQ(four.virtual_addresses.front().options.vmac, "vrrp.51");
  EXPECT_EQ(four.virtual_addresses.front().interface, "eth0");
  const auto six = made("  use_vmac", "fe80::100/64");
  EXPECT_EQ(six.kernel.vmacs.front().mac.to_string(), "00:00:5e:00:02:33");
}

TEST(Vmac, TakesANameAMacAndAGroupInAnyOrder) {
  const auto named = made("  use_vmac vm0 02:00:00:00:00:07 group 5 netlink_notify_msg").kernel.vmacs.front();
  EXPECT_EQ(named.name, "vm0");
  EXPECT_EQ(named.mac.to_string(), "02:00:00:00:00:07");
  EXPECT_EQ(named.link_group, 5U);
  EXPECT_EQ(made("  use_vmac name group 02:00:00:00:07").kernel.vmacs.front().mac.to_string(), "02:00:00:00:07:33");
  EXPECT_THAT(fault_of("  use_vmac 01:00:00:00:00:07"), HasSubstr("multicast MAC"));
  EXPECT_THAT(fault_of("  use_vmac a-name-that-is-too-long"), HasSubstr("f:7:12"));
}

TEST(Vmac, NamesThatAreTakenAreCountedOnAsKeepalivedDoes) {
  EXPECT_THAT(vmac_names(instance("  use_vmac", "A") + instance("  use_vmac", "B", 51, "fd00::1/64") +
                         "vrrp_instance C {\n interface eth1\n virtual_router_id 51\n use_vmac\n virtual_ipaddress {\n "
                         "fd00::2/64\n }\n}\n"),
              ElementsAre("vrrp.51 eth0 00:00:5e:00:01:33", "vrrp6.51 eth0 00:00:5e:00:02:33",
                          "vrrp1.51 eth1 00:00:5e:00:02:33"));
  EXPECT_THAT(
      errors(read_text(instance("  use_vmac same", "A") + instance("  use_vmac same", "B", 52, "192.0.2.2/24"))),
      ElementsAre(HasSubstr("same is the virtual MAC of another instance already")));
}

TEST(Vmac, ForAddressesThatAskForItOrAreElsewhere) {
  const std::string globals = "global_defs {\n  vmac_prefix vv\n  vmac_addr_prefix va\n}\n";
  EXPECT_THAT(
      vmac_names(globals + instance("  use_vmac\n  virtual_ipaddress_excluded {\n    192.0.2.7 dev eth1 use_vmac\n"
                                    "    192.0.2.8 dev eth2\n    fd00::7\n  }")),
      ElementsAre("vv.51 eth0 00:00:5e:00:01:33", "va.51 eth1 00:00:5e:00:01:33"));
  EXPECT_THAT(vmac_names(globals + instance("  use_vmac_addr\n  virtual_ipaddress_excluded {\n    192.0.2.8 dev eth2\n"
                                            "    192.0.2.9\n    fd00::7\n  }")),
              ElementsAre("va.51 eth2 00:00:5e:00:01:33", "va6.51 eth0 00:00:5e:00:02:33"));
}

TEST(Vmac, WithUnicastPeersSendsFromTheInterfaceWithAWarning) {
  const auto loaded = read_text(instance("  use_vmac\n  unicast_peer {\n    192.0.2.9\n  }"));
  EXPECT_THAT(faults(loaded), ElementsAre(HasSubstr("7:3: warning: use_vmac with unicast_peer")));
  EXPECT_TRUE(loaded.model.vrrp_instances.front().kernel.transmit_from_base);
  EXPECT_THAT(faults(read_text(instance("  vmac_xmit_base"))),
              ElementsAre(HasSubstr("means nothing without use_vmac")));
}

TEST(Instances, TellWhatTheyTrackAndSet) {
  const auto kernel = made("  dont_track_primary\n  track_src_ip\n  promote_secondaries").kernel;
  EXPECT_FALSE(kernel.track_primary);
  EXPECT_TRUE(kernel.track_source);
  EXPECT_TRUE(kernel.promote_secondaries);
}

TEST(AddressOptionsOfAnAddress, AreRead) {
  const auto options = made(
                           "  virtual_ipaddress_excluded {\n    fd00::1/64 home -nodad mngtmpaddr noprefixroute "
                           "autojoin no_track preferred_lft 300\n  }")
                           .virtual_addresses_excluded.front()
                           .options;
  EXPECT_TRUE(options.home && options.detect_duplicates && options.temporaries && options.no_prefix_route &&
              options.join);
  EXPECT_FALSE(options.track);
  EXPECT_EQ(options.preferred, 300U);
  const auto far = made("  virtual_ipaddress_excluded {\n    192.0.2.7 peer 198.51.100.1/30 preferred_lft forever\n  }")
                       .virtual_addresses_excluded.front();
  EXPECT_EQ(far.options.peer->to_string(), "198.51.100.1");
  EXPECT_EQ(far.prefix.to_string(), "192.0.2.7/30");
  EXPECT_EQ(far.options.preferred, forever);
}

TEST(AddressOptionsOfAnAddress, ThatCannotBeAreErrors) {
  const auto fault = [](const std::string& record) {
    return fault_of("  virtual_ipaddress_excluded {\n    " + record + "\n  }");
  };
  EXPECT_THAT(fault("192.0.2.7 peer fd00::1"), HasSubstr("two families"));
  EXPECT_THAT(fault("192.0.2.7 preferred_lft soon"), HasSubstr("soon"));
  EXPECT_THAT(fault("192.0.2.7 preferred_lft"), HasSubstr("has no value"));
  EXPECT_THAT(fault("192.0.2.7 track_group G"), HasSubstr("unknown option 'track_group'"));
}

TEST(Routes, OfEachKind) {
  const auto plain = route("192.168.110.0/24 via 192.168.200.254 dev eth1");
  EXPECT_EQ(plain.destination.to_string(), "192.168.110.0/24");
  EXPECT_EQ(plain.hops.front().via->to_string(), "192.168.200.254");
  EXPECT_EQ(plain.hops.front().interface, "eth1");
  const auto full = route("src 192.168.100.1 to 192.168.109.0/24 gw 192.168.200.254 dev eth1 no_track");
  EXPECT_EQ(full.source->to_string(), "192.168.100.1");
  EXPECT_FALSE(full.track);
  EXPECT_EQ(route("blackhole 192.168.114.0/24").kind, RouteKind::blackhole);
  EXPECT_EQ(route("throw 192.168.114.0/24 table 100").kind, RouteKind::throw_);
  EXPECT_EQ(route("0.0.0.0/0 via 192.168.0.1 table 100").table, 100U);
}

TEST(Routes, DefaultIsOfTheFamilyThatTheRestTells) {
  EXPECT_EQ(route("default via 192.0.2.1").destination.to_string(), "0.0.0.0/0");
  EXPECT_EQ(route("default via fd00::1").destination.to_string(), "::/0");
  EXPECT_EQ(route("default inet6 dev eth0").destination.to_string(), "::/0");
  EXPECT_EQ(route("default dev eth0").destination.to_string(), "0.0.0.0/0");
}

TEST(Routes, HaveEveryOption) {
  const auto all = route(
      "192.168.200.0/24 dev eth0 via 192.0.2.1 onlink table 6909 tos 0x04 scope link metric 12 mtu lock 1000 hoplimit "
      "100 "
      "advmss 101 rtt 102ms rttvar 0.1s reordering 104 window 105 cwnd 106 ssthresh lock 107 realms 5/6 rto_min 108 "
      "initcwnd 109 initrwnd 110 features ecn quickack 1 congctl cubic append");
  EXPECT_TRUE(all.hops.front().onlink);
  EXPECT_EQ(all.table, 6909U);
  EXPECT_EQ(all.tos, 4);
  EXPECT_EQ(all.scope, 253);
  EXPECT_EQ(all.metric, 12U);
  EXPECT_EQ(all.metrics.at("mtu"), 1000U);
  EXPECT_EQ(all.metrics.at("rtt"), 816U);
  EXPECT_EQ(all.metrics.at("rttvar"), 400U);
  EXPECT_EQ(all.metrics.at("rto_min"), 108U);
  EXPECT_THAT(all.locked, ElementsAre("mtu", "ssthresh"));
  EXPECT_EQ(all.realms, 5U << 16 | 6U);
  EXPECT_EQ(all.placement, RoutePlacement::append);
  EXPECT_EQ(route("2001:db8::/32 via fd00::1 pref high").preference, "high");
}

TEST(Routes, TakeSeveralWays) {
  const auto several = route(
      "192.168.100.0/24 table 6909 nexthop via 192.168.101.1 dev wlan0 onlink weight 1 "
      "nexthop via 192.168.101.2 dev wlan0 weight 2");
  ASSERT_EQ(several.hops.size(), 2U);
  EXPECT_EQ(several.hops[1].weight, 2U);
  const auto either = route("192.168.113.0/24 via 192.168.200.254 or 192.168.100.254 dev eth1");
  ASSERT_EQ(either.hops.size(), 2U);
  EXPECT_EQ(either.hops[0].interface, "eth1");
}

TEST(Routes, ThatCannotBeAreErrors) {
  const auto fault = [](const std::string& record) { return fault_of(with_route(record)); };
  EXPECT_THAT(fault("192.168.1.0/24"), HasSubstr("a route needs via ADDRESS or dev INTERFACE"));
  EXPECT_THAT(fault("via 192.0.2.1"), HasSubstr("no destination"));
  EXPECT_THAT(fault("192.168.1.0/24 10.0.0.0/8 dev eth0"), HasSubstr("unknown option '10.0.0.0/8'"));
  EXPECT_THAT(fault("192.168.1.0/33 dev eth0"), HasSubstr("33"));
  EXPECT_THAT(fault("2001:db8::/32 via 192.0.2.1"), HasSubstr("no IPv4 gateway"));
  EXPECT_THAT(fault("blackhole 192.168.1.0/24 dev eth0"), HasSubstr("no gateway and no interface"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 table nowhere-at-all"), HasSubstr("no routing table"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 hoplimit 256"), HasSubstr("from 0 to 255"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 rtt soon"), HasSubstr("no time"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 realms 70000"), HasSubstr("realm"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 mtu"), HasSubstr("'mtu' has no value"));
  EXPECT_THAT(fault("192.168.1.0/24 dev eth0 src fd00::1"), HasSubstr("another family"));
}

TEST(Rules, HaveEveryOption) {
  const auto all = rule(
      "from 192.168.28.0/24 to 192.168.29.0/26 table 100 iif eth0 oif eth1 tos 22 fwmark 24/12 "
      "preference 39 realms 30/20");
  EXPECT_EQ(all.from->to_string(), "192.168.28.0/24");
  EXPECT_EQ(all.to->to_string(), "192.168.29.0/26");
  EXPECT_EQ(all.target, 100U);
  EXPECT_EQ(all.input, "eth0");
  EXPECT_EQ(all.output, "eth1");
  EXPECT_EQ(all.mark, (std::pair{24U, 12U}));
  EXPECT_EQ(all.preference, 39U);
  EXPECT_EQ(all.realms, 30U << 16 | 20U);
  const auto six = rule(
      "to 1:2:3:4:6:6:7:0/112 from 8:6:5:4:3:2::/96 l3mdev ip_proto UDP sport 10-20 dport 30 "
      "uidrange 10000-19999 suppress_prefixlength 0 preference 4");
  EXPECT_EQ(six.family, net::Family::ipv6);
  EXPECT_TRUE(six.l3mdev);
  EXPECT_EQ(six.ip_protocol, 17);
  EXPECT_EQ(six.source_ports->second, 20);
  EXPECT_EQ(six.destination_ports->second, 30);
  EXPECT_EQ(six.users->first, 10000U);
  EXPECT_EQ(six.suppress_prefix_length, 0U);
  EXPECT_TRUE(rule("not from 10.7.0.0/16 table 9 preference 1").invert);
  EXPECT_EQ(rule("inet6 fwmark 7 table 9 preference 1").family, net::Family::ipv6);
  EXPECT_EQ(rule("from 10.0.0.0/8 goto 32000 preference 40").action, RuleAction::jump);
}

TEST(Rules, WithoutAPreferenceGetKeepalivedsWithAWarning) {
  const auto loaded =
      read_text(instance(with_rule("from 10.1.0.0/16 table 1\n    from 10.2.0.0/16 table 1\n"
                                   "    from fd00::/16 table 1")));
  EXPECT_THAT(faults(loaded), testing::SizeIs(3));
  std::vector<std::uint32_t> preferences;
  for (const auto& each : loaded.model.vrrp_instances.front().kernel.rules) preferences.push_back(each.preference);
  EXPECT_THAT(preferences, ElementsAre(16384, 16383, 16384));
}

TEST(Rules, ThatCannotBeAreErrors) {
  const auto fault = [](const std::string& record) { return fault_of(with_rule(record)); };
  EXPECT_THAT(fault("from 10.0.0.0/8"), HasSubstr("a rule needs table"));
  EXPECT_THAT(fault("from 10.0.0.0/8 table 1 blackhole"), HasSubstr("one of table, goto"));
  EXPECT_THAT(fault("from 10.0.0.0/8 to fd00::/8 table 1"), HasSubstr("not for both"));
  EXPECT_THAT(fault("from 10.0.0.0/8 table 1 sport 20-10"), HasSubstr("ends before it begins"));
  EXPECT_THAT(fault("from 10.0.0.0/8 table 1 ip_proto x"), HasSubstr("no IP protocol"));
  EXPECT_THAT(fault("goto 5 preference 9"), HasSubstr("leads back from preference 9"));
  EXPECT_THAT(fault("from 10.0.0.0/8 table 1 colour red"), HasSubstr("unknown option 'colour'"));
}

TEST(Statics, HaveTheirInterfaceAndTheirGroup) {
  const auto loaded = read_text(
      "global_defs {\n  default_interface eth7\n}\n"
      "track_group G {\n  group {\n    VI_1\n  }\n}\n"
      "static_ipaddress {\n  192.0.2.7/24 track_group G\n  192.0.2.8/24 dev eth1\n}\n"
      "static_routes {\n  10.0.0.0/8 via 192.0.2.1 track_group G\n}\n"
      "static_rules {\n  from 10.0.0.0/8 table 1 preference 5 track_group G\n}\n" +
      instance());
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& statics = loaded.model.statics;
  EXPECT_EQ(statics.addresses[0].interface, "eth7");
  EXPECT_EQ(statics.addresses[0].options.group, "G");
  EXPECT_EQ(statics.addresses[1].interface, "eth1");
  EXPECT_EQ(statics.routes[0].group, "G");
  EXPECT_EQ(statics.rules[0].group, "G");
  EXPECT_THAT(statics.groups[0].members, ElementsAre("VI_1"));
}

TEST(Statics, AndRoutesNameInterfacesThatAreLookedFor) {
  const auto loaded = read_text("static_ipaddress {\n  192.0.2.7/24 dev eth1\n  192.0.2.8\n}\n" +
                                instance(with_route("10.0.0.0/8 dev eth2")));
  std::vector<std::string> names;
  for (const auto& use : loaded.interfaces) names.push_back(use.interface);
  EXPECT_THAT(names, ElementsAre("eth1", "eth0", "eth2"));
}

TEST(Statics, OfUnknownGroupsAndGroupsOfUnknownInstancesAreErrors) {
  EXPECT_THAT(errors(read_text("static_routes {\n  10.0.0.0/8 dev eth0 track_group G\n}\n")),
              ElementsAre(HasSubstr("f:2:3: there is no track_group 'G'")));
  EXPECT_THAT(errors(read_text("track_group G {\n  group {\n    VI_9\n  }\n}\n")),
              ElementsAre(HasSubstr("f:3:5: there is no vrrp_instance 'VI_9'")));
}

TEST(FirewallKeywords, AreRead) {
  const auto loaded = read_text(
      "global_defs {\n  nftables my_table\n  nftables_priority -5\n  nftables_counters\n  nftables_ifindex\n}\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.global.firewall, (Firewall{"my_table", -5, true}));
  EXPECT_THAT(errors(read_text("global_defs {\n  nftables \"x; flush ruleset\"\n}\n")),
              ElementsAre(HasSubstr("is no name of a table")));
}

}  // namespace
}  // namespace ballast::config
