// What only the whole file can tell: inheritance, groups, duplicates, families.
#include <fmt/ranges.h>

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// The only fault of a text, or all of them.
std::string fault(const std::string& text) { return fmt::format("{}", fmt::join(faults(read_text(text)), "; ")); }

TEST(Inheritance, TheInnermostTimingCounts) {
  const auto loaded =
      read_text(instance() +
                "virtual_server 192.0.2.100 80 {\n protocol TCP\n delay_loop 10\n retry 4\n alpha\n virtualhost vs\n"
                " real_server 192.0.2.21 80 {\n  retry 5\n  connect_timeout 2\n"
                "  HTTP_GET {\n retry 6\n virtualhost check\n url {\n virtualhost url\n}\n url {\n}\n }\n"
                "  TCP_CHECK {\n alpha off\n }\n }\n}\n");
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto& checks = loaded.model.virtual_servers.at(0).real_servers.at(0).checks;
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].delay_loop, 10s);
  EXPECT_EQ(checks[0].warmup, 10s) << "warmup follows delay_loop";
  EXPECT_EQ(checks[0].retry, 6U);
  EXPECT_EQ(checks[0].connect_timeout, 2s);
  EXPECT_TRUE(checks[0].alpha);
  EXPECT_EQ(checks[0].http->virtualhost, "check");
  EXPECT_EQ(checks[0].http->urls.at(0).virtualhost, "url");
  EXPECT_EQ(checks[1].retry, 5U);
  EXPECT_FALSE(checks[1].alpha);
}

TEST(Inheritance, GlobalGarpKnobsAreDefaultsAndLowerPriorityFollows) {
  const auto loaded =
      read_text("global_defs {\nvrrp_garp_master_delay 9\nvrrp_garp_master_repeat 3\nvrrp_version 3\n}\n" + instance() +
                instance("garp_master_delay 2", "VI_2", 52, "192.0.2.101"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto& first = loaded.model.vrrp_instances.at(0);
  EXPECT_EQ(first.version, 3);
  EXPECT_EQ(first.announce.delay, 9s);
  EXPECT_EQ(first.announce.lower_prio_delay, 9s);
  EXPECT_EQ(first.announce.lower_prio_repeat, 3U);
  EXPECT_EQ(loaded.model.vrrp_instances.at(1).announce.lower_prio_delay, 2s);
}

TEST(Inheritance, ServiceTimeoutsTakeTheRestFromGlobalDefsWhereverTheyStand) {
  const auto loaded = read_text(service("lvs_timeouts udp 9") + "global_defs {\nlvs_timeouts tcp 77\n}\n");
  EXPECT_EQ(loaded.model.virtual_servers.at(0).timeouts, (LvsTimeouts{77s, 120s, 9s}));
}

TEST(Instance, BelongsToTheFamilyOfItsAddresses) {
  const auto v6 = read_text(instance("", "A", 1, "2001:db8::1/64")).model.vrrp_instances.at(0);
  EXPECT_EQ(v6.family, net::Family::ipv6);
  EXPECT_EQ(v6.version, 3);
  EXPECT_EQ(fault(instance("version 2", "A", 1, "2001:db8::1/64")), "7:9: warning: IPv6 is VRRP version 3 in any case");
  EXPECT_EQ(fault(instance("", "A", 1, "192.0.2.1\n    2001:db8::1")),
            "6:5: error: 2001:db8::1 among addresses of IPv4 (put it into virtual_ipaddress_excluded, or into an "
            "instance of its own)");
  EXPECT_EQ(fault(instance("virtual_ipaddress_excluded {\n2001:db8::1\n}")), "");
  EXPECT_EQ(fault(instance("unicast_peer {\n2001:db8::1\n}")),
            "8:1: error: 2001:db8::1 in vrrp_instance VI_1, which speaks IPv4");
}

TEST(Instance, RoundsWhatItsVersionCannotCount) {
  EXPECT_EQ(fault(instance("advert_int 1.2")),
            "7:12: warning: VRRP version 2 counts in steps of 1 s: rounded up to 2 s (version 3 counts in hundredths)");
  EXPECT_EQ(fault(instance("version 3\nadvert_int 0.015")),
            "8:12: warning: VRRP version 3 counts in steps of 0.01 s: rounded up to 0.02 s");
  EXPECT_EQ(fault(instance("version 3\nadvert_int 41")), "8:12: error: VRRP version 3 counts up to 40.95 s");
}

TEST(Instance, WhoBeginsAsMasterDoesNotWait) {
  EXPECT_EQ(fault(instance("state MASTER\nnopreempt")),
            "8:1: warning: nopreempt is ignored with state MASTER (write state BACKUP on every node)");
  EXPECT_THAT(fault(instance("state MASTER\npreempt_delay 5")), HasSubstr("preempt_delay is ignored"));
  EXPECT_EQ(fault(instance("state MASTER\npreempt_delay 0")), "");
}

TEST(Instance, ItsPeersAreNotItself) {
  const auto loaded = read_text(instance("unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n192.0.2.3\n}"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.vrrp_instances.at(0).unicast_peers.size(), 2U);
  EXPECT_THAT(fault(instance("unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.1\n}")),
              HasSubstr("is this node's own source address"));
  EXPECT_EQ(fault(instance("unicast_peer {\n192.0.2.2\n192.0.2.2\n}")), "9:1: warning: 192.0.2.2 is listed twice");
}

TEST(Instance, ItsAddressesTakeOptions) {
  const auto loaded = read_text(instance("", "A", 1,
                                         "192.0.2.1/24 brd + dev eth1 label eth1:a scope link\n192.0.2.2 brd -\n"
                                         "192.0.2.3/24 broadcast 192.0.2.255 scope global"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto& addresses = loaded.model.vrrp_instances.at(0).virtual_addresses;
  auto first = nlohmann::json(addresses[0]);
  first.erase("options");
  EXPECT_EQ(first, nlohmann::json::parse(R"({"prefix":"192.0.2.1/24","interface":"eth1","label":"eth1:a",
            "scope":"link","broadcast":"192.0.2.255"})"));
  EXPECT_EQ(addresses[1].interface, "eth0");
  EXPECT_EQ(addresses[1].prefix.length, 32);
  EXPECT_FALSE(addresses[1].broadcast);
  EXPECT_EQ(addresses[2].scope, "");
}

TEST(Instance, ItsAddressesRefuseWhatCannotBe) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"192.0.2.1 dev", "'dev' has no value"},
      {"192.0.2.1 device eth0", "unknown option 'device'"},
      {"192.0.2.1 scope moon", "'moon' is none of global|site|link|host|nowhere"},
      {"192.0.2.1 label much-too-long-a-label", "a label has 1 to 15 characters"},
      {"192.0.2.1 brd x", "'x' is not an IPv4 or IPv6 address"},
      {"192.0.2.1 brd 2001:db8::1", "is no IPv4 broadcast address"},
      {"2001:db8::1 label a", "an IPv6 address has no broadcast address and no label"},
      {"2001:db8::1/64 brd +", "an IPv6 address has no broadcast address and no label"},
      {"224.0.0.1", "224.0.0.1 cannot be a virtual address"},
      {"0.0.0.0", "0.0.0.0 cannot be a virtual address"},
      {"192.0.2.1/33", "'33' is not a prefix length (0 to 32)"}};
  for (const auto& [record, expected] : wrong)
    EXPECT_THAT(fault(instance("", "A", 1, record)), HasSubstr(expected)) << record;
  EXPECT_THAT(fault(instance("", "A", 1, "192.0.2.1\n192.0.2.1")),
              HasSubstr("stands in vrrp_instance A twice: the first one counts"));
}

TEST(Instance, AdvertisesUpTo255Addresses) {
  std::string many;
  for (int i = 0; i < 256; ++i) many += fmt::format("10.1.{}.1\n", i);
  EXPECT_THAT(fault(instance("", "A", 1, many)), HasSubstr("an advertisement holds 255 addresses"));
}

TEST(Instance, TracksInterfaces) {
  const auto loaded =
      read_text(instance("track_interface {\neth1 weight -20\neth2 reverse\neth3 weight 253 reverse\n}"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto& tracked = loaded.model.vrrp_instances.at(0).track_interfaces;
  EXPECT_EQ(tracked, (std::vector<TrackInterface>{{"eth1", -20, false}, {"eth2", 0, true}, {"eth3", 253, true}}));
  EXPECT_THAT(fault(instance("track_interface {\neth1 weight 254\n}")), HasSubstr("254 is out of range: -253 to 253"));
  EXPECT_THAT(fault(instance("track_interface {\neth1\neth1\n}")), HasSubstr("is tracked twice: the first one counts"));
}

TEST(Duplicates, AreNamedWithThePlaceOfTheFirst) {
  EXPECT_EQ(fault(instance() + instance("", "VI_1", 52, "192.0.2.101")),
            "8:15: error: vrrp_instance VI_1 exists already (f:1)");
  EXPECT_EQ(fault(instance() + instance("", "VI_2", 51, "192.0.2.101")),
            "10:21: error: virtual_router_id 51 is taken on eth0 by vrrp_instance VI_1 (f:3)");
  EXPECT_EQ(fault(instance() + instance("", "VI_2", 52)), "12:5: warning: 192.0.2.100 is in vrrp_instance VI_1, too");
  EXPECT_EQ(fault(service() + service()),
            "6:1: error: virtual_server 192.0.2.100 80: a tcp service at 192.0.2.100:80 exists already (f:1)");
  EXPECT_EQ(fault(service("real_server 192.0.2.21 80 {\n}")),
            "5:3: error: real_server 192.0.2.21:80 exists already in virtual_server 192.0.2.100 80 (f:3)");
  EXPECT_EQ(fault(instance("priority 5\npriority 6")),
            "8:1: warning: 'priority' stands here a second time: the last one counts");
}

TEST(Duplicates, TheSameRouterIdMayServeOtherFamiliesAndOtherPeers) {
  EXPECT_EQ(fault(instance() + instance("", "V6", 51, "2001:db8::1")), "");
  EXPECT_EQ(fault(instance("unicast_peer {\n192.0.2.2\n}") +
                  instance("unicast_peer {\n192.0.2.3\n}", "B", 51, "192.0.2.101")),
            "");
  EXPECT_THAT(fault(instance("unicast_peer {\n192.0.2.2\n}") +
                    instance("unicast_peer {\n192.0.2.2\n}", "B", 51, "192.0.2.101")),
              HasSubstr("is taken on eth0"));
}

TEST(SyncGroup, HoldsInstancesThatExistOnce) {
  const auto group = [](const std::string& members, const std::string& name = "G") {
    return "vrrp_sync_group " + name + " {\n group {\n" + members + "\n }\n}\n";
  };
  const auto loaded = read_text(instance() + group("VI_1"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  EXPECT_THAT(loaded.model.vrrp_sync_groups.at(0).members, ElementsAre("VI_1"));
  EXPECT_EQ(fault(instance() + group("VI_l")), "10:1: error: there is no vrrp_instance 'VI_l' (did you mean 'VI_1'?)");
  EXPECT_THAT(fault(instance() + group("VI_1") + group("VI_1", "H")),
              HasSubstr("vrrp_instance VI_1 is in vrrp_sync_group G already"));
  EXPECT_THAT(fault(instance() + group("VI_1") + group("VI_1")), HasSubstr("vrrp_sync_group G exists already"));
  EXPECT_EQ(fault(group("")), "1:17: warning: vrrp_sync_group G has no members and is ignored");
  EXPECT_THAT(fault("vrrp_sync_group G {\nVI_1\n}\n"), HasSubstr("instances stand in a block: group { … }"));
}

TEST(Service, NeedsAnAddressAndServers) {
  EXPECT_EQ(errors(read_text("virtual_server 192.0.2.100 65536 {\nprotocol TCP\nreal_server 192.0.2.1 80 {\n}\n}\n")),
            std::vector<std::string>{"f:1:28: 65536 is out of range: 0 to 65535"});
  EXPECT_EQ(fault("virtual_server 192.0.2.100 80 {\nprotocol TCP\n}\n"),
            "1:1: warning: virtual_server 192.0.2.100 80 has no real_server and is ignored");
  const auto sorry = read_text("virtual_server 192.0.2.100 80 {\nprotocol TCP\nsorry_server 192.0.2.9 80\n}\n");
  EXPECT_THAT(faults(sorry), ElementsAre(HasSubstr("its sorry_server serves alone")));
  EXPECT_EQ(sorry.model.virtual_servers.size(), 1U);
}

TEST(Service, WithoutAProtocolSaysWhatItAssumes) {
  EXPECT_EQ(fault("virtual_server 192.0.2.100 80 {\nreal_server 192.0.2.1 80 {\n}\n}\n"),
            "1:1: warning: virtual_server 192.0.2.100 80 has no protocol: TCP is assumed (keepalived assumes UDP)");
  EXPECT_EQ(read_text("virtual_server 192.0.2.100 80 {\nprotocol UDP\nreal_server 192.0.2.1 80 {\n}\n}\n")
                .model.virtual_servers.at(0)
                .name,
            "udp:192.0.2.100:80");
  EXPECT_THAT(fault(service("protocol ICMP")), HasSubstr("'ICMP' is none of TCP|UDP"));
}

TEST(Service, ThatOnlyIpvsCanDoIsIpvssUnlessXdpIsAskedFor) {
  const std::string servers = "protocol UDP\nreal_server 192.0.2.1 80 {\n}\n}\n";
  const auto group = "virtual_server_group G {\nfwmark 1\n192.0.2.9 80\n}\nvirtual_server group G {\n";
  const std::vector<std::pair<std::string, std::string>> needs{
      {"virtual_server fwmark 1 {\n" + servers,
       "1:23: warning: a service by fwmark needs the kernel's IPVS, which "
       "virtual_server fwmark 1 gets (write lb_engine ipvs in it)"},
      {group + servers, "a group with a fwmark needs the kernel's IPVS"},
      {"virtual_server 192.0.2.9 80 {\nprotocol SCTP\nreal_server 192.0.2.1 80 {\n}\n}\n",
       "2:10: warning: protocol SCTP needs the kernel's IPVS"},
      {"virtual_server 192.0.2.9 80 {\npersistence_timeout 60\npersistence_engine sip\n" + servers,
       "3:20: warning: persistence_engine needs the kernel's IPVS"},
      {"virtual_server 192.0.2.9 80 {\nlvs_method TUN type gue port 6080 remcsum\n" + servers,
       "2:12: warning: a tunnel with remcsum needs the kernel's IPVS"}};
  for (const auto& [text, warning] : needs) {
    const auto loaded = read_text(text);
    EXPECT_TRUE(loaded.ok()) << text;
    EXPECT_EQ(loaded.model.virtual_servers.at(0).engine, EngineKind::ipvs) << text;
    EXPECT_THAT(fmt::format("{}", fmt::join(faults(loaded), "\n")), HasSubstr(warning)) << text;
    auto asked = text;
    asked.insert(asked.rfind("real_server"), "lb_engine ipvs\n");
    EXPECT_EQ(fault(asked), "") << asked;
    asked.replace(asked.rfind("lb_engine ipvs"), 14, "lb_engine xdp ");
    EXPECT_THAT(fault(asked), HasSubstr("needs the kernel's IPVS (write lb_engine ipvs)")) << asked;
    EXPECT_FALSE(read_text(asked).ok()) << asked;
  }
}

TEST(Service, ThatOnlyXdpCanDoIsRefusedForIpvsWhereItIsWritten) {
  const std::string begin = "virtual_server 192.0.2.9 80 {\nprotocol TCP\nlb_engine ipvs\n";
  const std::string end = "real_server 192.0.2.1 80 {\n}\n}\n";
  for (const auto& [line, error] : std::vector<std::pair<std::string, std::string>>{
           {"lvs_sched p2c\n", "4:11: error: lvs_sched p2c"},
           {"lvs_timeouts udp 5\n", "4:1: error: lvs_timeouts of one service"},
           {"passive_check {\n}\n", "4:1: error: passive_check"}}) {
    EXPECT_THAT(fault(begin + line + end), HasSubstr(error + ": the kernel's IPVS cannot do it (lb_engine xdp can)"));
  }
  EXPECT_THAT(fault("local_address_group L {\n192.0.2.50\n}\n" + begin + "laddr_group_name L\nlvs_method FNAT\n" + end),
              HasSubstr("8:12: error: lvs_method FNAT: the kernel's IPVS cannot do it"));
  EXPECT_THAT(fault("global_defs {\nlvs_sync_daemon eth0\n}\n" + begin +
                    "lvs_method TUN\nreal_server 2001:db8::1 80 {\n}\n}\n"),
              HasSubstr("error: IPVS's sync daemon knows no IPv6 server of an IPv4 service"));
}

TEST(Service, ByMarkIsOfItsServersFamilyAndOneOfEach) {
  const auto service = [](const std::string& server, const std::string& more = "") {
    return "virtual_server fwmark 7 {\nlb_engine ipvs\n" + more + "real_server " + server + " 80 {\n}\n}\n";
  };
  const auto both = read_text(service("192.0.2.1") + service("2001:db8::1"));
  EXPECT_TRUE(both.ok());
  EXPECT_EQ(both.model.virtual_servers.at(0).name, "fwmark:7");
  EXPECT_EQ(both.model.virtual_servers.at(1).name, "fwmark6:7");
  EXPECT_EQ(both.model.virtual_servers.at(1).family, net::Family::ipv6);
  EXPECT_THAT(fault(service("192.0.2.1") + service("192.0.2.2")), HasSubstr("a service of fwmark 7 exists already"));
  EXPECT_THAT(fault(service("192.0.2.1", "ip_family inet6\n")), HasSubstr("NAT cannot translate between them"));
  EXPECT_EQ(read_text(service("192.0.2.1", "lvs_method TUN\nip_family inet6\n")).model.virtual_servers.at(0).name,
            "fwmark6:7");
  EXPECT_THAT(fault("virtual_server fwmark {\nreal_server 192.0.2.1 80 {\n}\n}\n"), HasSubstr("'fwmark' has no value"));
}

TEST(SyncDaemon, HasItsInstancesNumber) {
  const auto model = read_text("global_defs {\nlvs_sync_daemon eth0 A\n}\n" + instance("", "A", 9)).model;
  EXPECT_EQ(model.global.sync_daemon->instance, "A");
  EXPECT_EQ(model.global.sync_daemon->id, 9);
  EXPECT_THAT(fault("global_defs {\nlvs_sync_daemon eth0 inst B\n}\n" + instance("", "A", 9)),
              HasSubstr("there is no vrrp_instance 'B'"));
}

TEST(Service, OutsideEveryInstanceIsToldWhereThereAreInstances) {
  EXPECT_EQ(fault(service()), "");
  EXPECT_EQ(fault(instance() + service()), "");
  EXPECT_THAT(fault(instance("", "A", 1, "192.0.2.7") + service()), HasSubstr("192.0.2.100 is in no vrrp_instance"));
}

TEST(Service, ItsServersAreOfItsFamilyAndDirectRoutingKeepsThePort) {
  EXPECT_THAT(fault(service("real_server 2001:db8::1 80 {\n}")), HasSubstr("NAT cannot translate between them"));
  EXPECT_THAT(fault(service("sorry_server 2001:db8::1 80")), HasSubstr("NAT cannot translate between them"));
  EXPECT_THAT(fault(service("lvs_method DR\nreal_server 192.0.2.22 81 {\n}")),
              HasSubstr("DR cannot change the port: the service's is 80"));
  EXPECT_EQ(fault(service("lvs_method NAT\nreal_server 192.0.2.22 81 {\n}")), "");
  EXPECT_EQ(
      read_text(service("real_server 192.0.2.22 {\n}")).model.virtual_servers.at(0).real_servers.at(0).endpoint.port,
      80);
}

TEST(Service, QuorumAndHysteresisFitTheWeights) {
  EXPECT_THAT(fault(service("quorum 2")), HasSubstr("quorum 2 is never reached: all servers together weigh 1"));
  EXPECT_EQ(fault(service("quorum 2", "weight 2")), "");
  const auto loaded = read_text(service("quorum 2\nhysteresis 5", "weight 9"));
  EXPECT_THAT(faults(loaded), ElementsAre(HasSubstr("hysteresis is lowered to 1, below the quorum of 2")));
  EXPECT_EQ(loaded.model.virtual_servers.at(0).hysteresis, 1U);
}

TEST(Service, ACheckerToComeIsToldWithItsMeaning) {
  EXPECT_THAT(fault(service("", "BFD_CHECK {\nname \"/bin/x {\"\n}")),
              HasSubstr("real_server 192.0.2.21:80 counts as always up"));
  EXPECT_THAT(fault(service("", "TCP_CHECK {\n}\nBFD_CHECK {\nname X\n}")), HasSubstr("is checked without it"));
  EXPECT_THAT(fault(service("", "HTTP_GET {\n}")), HasSubstr("HTTP_GET has no url (add url { path / })"));
}

TEST(Group, MakesOneServiceOfManyAddresses) {
  const auto text = [](const std::string& records) {
    return "virtual_server_group G {\n" + records + "\n}\n" + service("", "", "group G");
  };
  const auto names = [](const Loaded& loaded) {
    std::vector<std::string> all;
    for (const auto& endpoint : loaded.model.virtual_servers.at(0).endpoints) all.push_back(endpoint.to_string());
    return all;
  };
  const auto loaded = read_text(text("192.0.2.5 80\n192.0.2.7-8 81\n192.0.2.254-192.0.3.0 82\n10.0.0.7/30 83"));
  ASSERT_THAT(errors(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.virtual_servers.at(0).name, "tcp:group:G");
  EXPECT_THAT(names(loaded),
              ElementsAre("192.0.2.5:80", "192.0.2.7:81", "192.0.2.8:81", "192.0.2.254:82", "192.0.2.255:82",
                          "192.0.3.0:82", "10.0.0.4:83", "10.0.0.5:83", "10.0.0.6:83", "10.0.0.7:83"));
  EXPECT_THAT(fault(text("192.0.2.9-7 80")), HasSubstr("the range ends at 192.0.2.7, before it begins"));
  EXPECT_THAT(fault(text("192.0.2.9-x 80")), HasSubstr("'x' is not the end of a range that begins at 192.0.2.9"));
  EXPECT_THAT(fault(text("10.0.0.0/8 80")), HasSubstr("10.0.0.0/8 is more than 65536 addresses"));
  EXPECT_THAT(fault(text("192.0.2.9 80\n2001:db8::1 80")), HasSubstr("has addresses of both families"));
  EXPECT_THAT(fault(text("")), HasSubstr("virtual_server_group G has no addresses"));
  EXPECT_THAT(fault(text("192.0.2.9 80\n192.0.2.9 80")), HasSubstr("exists already"));
}

TEST(Group, ThatIsNotThereIsNamedWithTheNearest) {
  EXPECT_THAT(fault("virtual_server_group WEB {\n192.0.2.5 80\n}\n" + service("", "", "group WBE")),
              HasSubstr("there is no virtual_server_group 'WBE' (did you mean 'WEB'?)"));
  EXPECT_THAT(fault(service("", "", "group")), HasSubstr("'group' has no value"));
}

TEST(Structure, BracesAreMatched) {
  EXPECT_EQ(fault("global_defs {\nrouter_id a\n"),
            "1:1: error: the block of 'global_defs' is never closed (a '}' is missing)");
  EXPECT_EQ(fault("}\n"), "1:1: error: this '}' closes no block");
  EXPECT_EQ(fault("{\nfrob\n}\n"), "1:1: error: a block without a keyword before it");
  EXPECT_EQ(fault("global_defs {\nrouter_id a {\n}\n}\n"), "2:13: error: 'router_id' has no block");
  EXPECT_EQ(fault("global_defs\n"), "1:1: error: 'global_defs' has no block (a '{' is missing)");
  EXPECT_EQ(fault("vrrp_instance {\n}\n"),
            "1:1: error: 'vrrp_instance' has no value: expected NAME; 1:1: error: this vrrp_instance has no interface; "
            "1:1: error: this vrrp_instance "
            "has no virtual_router_id; 1:1: warning: this vrrp_instance has no virtual_ipaddress: routers after RFC "
            "9568 refuse its advertisements");
}

}  // namespace
}  // namespace ballast::config
