// Forwarding modes, local addresses, persistence: what fits together and what does not.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// The only fault of a text, or all of them.
std::string fault(const std::string& text) { return fmt::format("{}", fmt::join(faults(read_text(text)), "; ")); }

std::string local_group(const std::string& records = "10.0.0.50", const std::string& name = "L") {
  return fmt::format("local_address_group {} {{\n{}\n}}\n", name, records);
}

/// A FNAT service at `vip` with one server, after the local address group L.
std::string fnat(const std::string& records, const std::string& lines = {}, const std::string& vip = "192.0.2.100",
                 const std::string& server = "192.0.2.21") {
  return local_group(records) + fmt::format(
                                    "virtual_server {} 80 {{\nprotocol TCP\nlvs_method FNAT\nladdr_group_name "
                                    "L\n{}\nreal_server {} 80 {{\n}}\n}}\n",
                                    vip, lines, server);
}

std::vector<std::string> local_addresses(const std::string& text) {
  const auto loaded = read_text(text);
  EXPECT_THAT(errors(loaded), IsEmpty()) << text;
  std::vector<std::string> all;
  for (const auto& address : loaded.model.virtual_servers.at(0).local_addresses) all.push_back(address.to_string());
  return all;
}

TEST(Tunnel, IsTheServersOwnOrTheServices) {
  const auto loaded =
      read_text(service("lvs_method TUN type gue port 6080\nreal_server 192.0.2.22 80 {\nlvs_method TUN\n}\n"
                        "real_server 192.0.2.23 80 {\nlvs_method DR\n}"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto& made = loaded.model.virtual_servers.at(0);
  const Tunnel gue{TunnelType::gue, 6080, TunnelChecksum::none};
  EXPECT_EQ(made.tunnel, gue);
  EXPECT_EQ(made.real_servers.at(0).tunnel, Tunnel{}) << "its own lvs_method says it all";
  EXPECT_EQ(made.real_servers.at(1).method, Method::dr);
  EXPECT_EQ(made.real_servers.at(1).tunnel, Tunnel{});
  EXPECT_EQ(made.real_servers.at(2).method, Method::tun);
  EXPECT_EQ(made.real_servers.at(2).tunnel, gue);
}

TEST(Tunnel, ItsOptionsAreExplainedWhereTheyDoNotFit) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"TUN type gue", "3:21: error: a gue tunnel needs the port that the real server takes it at (add port 6080)"},
      {"TUN gue port 6080", "3:16: error: 'gue' is no option of TUN (did you mean 'type gue'?)"},
      {"TUN fast",
       "3:16: error: 'fast' is no option of TUN (expected type ipip|gue|gre, port NUMBER, nocsum|csum|remcsum)"},
      {"TUN type", "3:16: error: 'type' has no value: expected ipip|gue|gre"},
      {"TUN type vxlan", "3:21: error: 'vxlan' is none of ipip|gue|gre"},
      {"TUN type gre port 6080", "3:25: error: a tunnel of type gre has no port (only gue has)"},
      {"TUN type ipip csum", "3:26: error: a tunnel of type ipip has no checksum: csum is for gue and gre"},
      {"TUN type gre remcsum", "3:25: error: a tunnel of type gre has no remote checksum (did you mean 'csum'?)"},
      {"DR type gre", "3:15: warning: surplus word 'type' after 'DR' is ignored (options are for TUN)"}};
  for (const auto& [words, expected] : wrong) {
    const auto at_words = fault(service("lvs_method " + words));
    EXPECT_EQ(at_words, expected) << words;
  }
}

TEST(Families, TunnelsTakeAnyPairTheOthersTheirOwn) {
  const auto across = [](const std::string& method, const std::string& vip, const std::string& server) {
    return fault(fmt::format("virtual_server {} 80 {{\nprotocol TCP\nlvs_method {}\nreal_server {} 80 {{\n}}\n}}\n",
                             vip, method, server));
  };
  EXPECT_EQ(across("TUN", "192.0.2.100", "2001:db8::1"), "");
  EXPECT_EQ(across("TUN type gre", "2001:db8::100", "192.0.2.1"), "");
  EXPECT_EQ(across("NAT", "2001:db8::100", "192.0.2.1"),
            "4:13: error: real_server 192.0.2.1 is IPv4, its service is IPv6: NAT cannot translate between them");
  EXPECT_EQ(across("DR", "192.0.2.100", "2001:db8::1"),
            "4:13: error: real_server 2001:db8::1 is IPv6, its service is IPv4: DR cannot translate between them");
}

TEST(Families, FnatLeadsFromIpv6ToIpv4ButNotBack) {
  EXPECT_EQ(fault(fnat("10.0.0.50", "", "2001:db8::100")), "");
  EXPECT_EQ(fault(fnat("2001:db8::50", "", "2001:db8::100", "2001:db8::21")), "");
  EXPECT_EQ(
      fault(fnat("10.0.0.50", "", "192.0.2.100", "2001:db8::21")),
      "9:13: error: real_server 2001:db8::21 is IPv6, its service is IPv4: FNAT translates from IPv6 to IPv4, not "
      "the other way");
}

TEST(LocalAddresses, AreThoseOfTheGroupInTheServersFamilies) {
  EXPECT_THAT(local_addresses(fnat("10.0.0.50-51\n10.0.1.0/31\n2001:db8::50")),
              ElementsAre("10.0.0.50", "10.0.0.51", "10.0.1.0", "10.0.1.1"));
  EXPECT_THAT(local_addresses(fnat("10.0.0.50\n2001:db8::50-51", "", "2001:db8::100", "2001:db8::21")),
              ElementsAre("2001:db8::50", "2001:db8::51"));
  EXPECT_EQ(fault(fnat("2001:db8::50")),
            "9:13: error: real_server 192.0.2.21 is IPv4: local_address_group L has no address of that family");
  EXPECT_EQ(fault(fnat("10.0.0.50", "sorry_server 2001:db8::9 80", "2001:db8::100")),
            "8:14: error: sorry_server 2001:db8::9 is IPv6: local_address_group L has no address of that family");
}

TEST(LocalAddresses, AreNeededByFnatWhereverItIsSaid) {
  EXPECT_EQ(fault(local_group() + service("lvs_method FNAT")),
            "6:12: error: FNAT in virtual_server 192.0.2.100 80 needs laddr_group_name (add laddr_group_name L)");
  EXPECT_THAT(fault(service("", "lvs_method FULLNAT")),
              HasSubstr("4:12: error: FNAT in virtual_server 192.0.2.100 80 needs laddr_group_name (write "
                        "local_address_group NAME { ADDRESS } at the top level and laddr_group_name NAME here)"));
  EXPECT_THAT(fault(service("sorry_server 192.0.2.9\nsorry_server_lvs_method FNAT")),
              HasSubstr("4:25: error: FNAT in"));
  EXPECT_EQ(fault(local_group("10.0.0.50", "LOCAL") + service("lvs_method FNAT\nladdr_group_name LOCLA")),
            "7:18: error: there is no local_address_group 'LOCLA' (did you mean 'LOCAL'?)");
  EXPECT_EQ(fault(local_group() + service("laddr_group_name L")),
            "6:18: warning: laddr_group_name is ignored without lvs_method FNAT");
}

TEST(LocalAddresses, ThePlaceOfAFaultIsShown) {
  const auto loaded = read_text(local_group() + service("  lvs_method FNAT"));
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(render(loaded.diagnostics.front()),
            "f:6:14: error: FNAT in virtual_server 192.0.2.100 80 needs laddr_group_name\n"
            "    6 |   lvs_method FNAT\n"
            "      |              ^~~~ add laddr_group_name L");
}

TEST(LocalAddresses, BelongToNobodyElse) {
  EXPECT_EQ(fault(fnat("192.0.2.99-101")),
            "2:1: error: local address 192.0.2.100 is the VIP of virtual_server tcp:192.0.2.100:80, too (give it an "
            "address of its own)");
  EXPECT_EQ(fault(fnat("10.0.0.50\n192.0.2.20-30")),
            "3:1: error: local address 192.0.2.21 is a real_server of virtual_server tcp:192.0.2.100:80, too (give it "
            "an address of its own)");
  EXPECT_EQ(
      fault(fnat("192.0.2.9", "sorry_server 192.0.2.9")),
      "2:1: error: local address 192.0.2.9 is the sorry_server of virtual_server tcp:192.0.2.100:80, too (give it "
      "an address of its own)");
  EXPECT_THAT(fault(local_group("192.0.2.21") + service()), HasSubstr("is a real_server of virtual_server"))
      << "a group that nobody uses yet, too";
}

TEST(LocalAddresses, StandInAGroupOnceAndCanSend) {
  EXPECT_EQ(fault(local_group("10.0.0.50-52\n10.0.0.52")),
            "3:1: error: 10.0.0.52 stands in local_address_group L twice");
  EXPECT_EQ(fault(local_group() + local_group("10.0.0.51")), "4:21: error: local_address_group L exists already (f:1)");
  EXPECT_EQ(fault(local_group("")), "1:21: error: local_address_group L has no addresses");
  EXPECT_EQ(fault(local_group("224.0.0.1")), "2:1: error: 224.0.0.1 cannot be a local address");
  EXPECT_EQ(fault(local_group("fe80::1")), "2:1: error: fe80::1 cannot be a local address");
  EXPECT_EQ(fault(local_group("10.0.0.50 eth1")),
            "2:11: warning: surplus word 'eth1' is ignored (expected ADDRESS or FIRST-LAST; the routes decide on the "
            "interface)");
  EXPECT_THAT(fault(local_group("10.0.0.9-5")), HasSubstr("the range ends at 10.0.0.5, before it begins"));
  EXPECT_THAT(fault(local_group("10.0.0.0/15")), HasSubstr("is more than 1024 addresses"));
  EXPECT_THAT(fault(local_group("10.0.0.0/22\n10.1.0.1")),
              HasSubstr("3:1: error: local_address_group L holds more than 1024 addresses"));
}

TEST(LocalAddresses, FloatWithTheVip) {
  const auto floating = [](const std::string& addresses) {
    return instance("", "VI_1", 51, addresses) + fnat("192.0.2.50-51");
  };
  EXPECT_EQ(fault(floating("192.0.2.100\n192.0.2.50\n192.0.2.51")), "");
  EXPECT_EQ(fault(floating("192.0.2.100\n192.0.2.50")),
            "10:1: warning: local address 192.0.2.51 is in no vrrp_instance, while the VIP is in one: after a failover "
            "servers go on answering to this node (add it to virtual_ipaddress or virtual_ipaddress_excluded)");
  EXPECT_EQ(fault(fnat("192.0.2.50")), "") << "nothing floats";
}

TEST(ClientAddress, IsForFnatAndTcp) {
  EXPECT_EQ(fault(service("client_address proxy_v1")),
            "3:16: warning: client_address is ignored without lvs_method FNAT: servers see the client's own address");
  EXPECT_EQ(fault(fnat("10.0.0.50", "client_address proxy_v2")), "");
  const auto over_udp = [](const std::string& choice) {
    auto text = fnat("10.0.0.50", "client_address " + choice);
    return fault(text.replace(text.find("TCP"), 3, "UDP"));
  };
  EXPECT_EQ(over_udp("none"), "");
  EXPECT_EQ(over_udp("proxy_v2"),
            "8:16: error: client_address proxy_v2 is for TCP: UDP has no beginning to put it at (write client_address "
            "none)");
  EXPECT_EQ(over_udp("toa"),
            "8:16: warning: client_address toa is for TCP: servers see local addresses as the clients' (write "
            "client_address none)");
}

TEST(ClientAddress, IsNotToldByUdp) {
  auto text = fnat("10.0.0.50");
  const auto loaded = read_text(text.replace(text.find("TCP"), 3, "UDP"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.virtual_servers.at(0).client_address, ClientAddress::none);
  EXPECT_THAT(faults(read_text(print(loaded.model))), IsEmpty());
}

TEST(Scheduling, FlagsAreForTheHashSchedulers) {
  EXPECT_EQ(fault(service("lvs_sched rr\nsh-port")),
            "4:1: warning: sh-port means nothing with lvs_sched rr and is ignored (it is for sh and mh)");
  EXPECT_EQ(fault(service("mh-fallback\nlvs_sched mh")), "") << "in any order";
  EXPECT_EQ(fault(service("lvs_sched mh\nflag-3")), "4:1: warning: flag-3 is ignored: no scheduler has a third flag");
  EXPECT_FALSE(read_text(service("mh-port")).model.virtual_servers.at(0).hash_port);
  EXPECT_FALSE(read_text(service("lvs_sched mh\nmh-port off")).model.virtual_servers.at(0).hash_port);
}

TEST(Scheduling, OnePacketIsForUdp) {
  EXPECT_EQ(fault(service("ops")), "3:1: error: ops is for UDP: the packets of a TCP connection go to one server");
  EXPECT_EQ(fault(service("ops off")), "");
}

TEST(Scheduling, ThresholdsAreInOrder) {
  EXPECT_EQ(fault(service("", "uthreshold 10\nlthreshold 10")), "");
  EXPECT_EQ(fault(service("", "uthreshold 10\nlthreshold 11")), "5:12: error: lthreshold 11 is above uthreshold 10");
  EXPECT_EQ(fault(service("", "lthreshold 11")), "4:12: warning: lthreshold means nothing without uthreshold");
}

TEST(Scheduling, AServiceTakesItsSwitchesFromGlobalDefsWhereverTheyStand) {
  const auto loaded = read_text(service("expire_nodest off") + service("", "", "192.0.2.101 80") +
                                "global_defs {\nexpire_nodest\nsloppy_tcp\n}\n");
  ASSERT_THAT(faults(loaded), IsEmpty());
  EXPECT_FALSE(loaded.model.virtual_servers.at(0).expire_nodest);
  EXPECT_TRUE(loaded.model.virtual_servers.at(0).sloppy_tcp);
  EXPECT_TRUE(loaded.model.virtual_servers.at(1).expire_nodest);
}

TEST(Persistence, TakesItsGranularityInTheServicesFamily) {
  EXPECT_EQ(fault(service("persistence_granularity 255.255.255.0")),
            "3:25: warning: persistence_granularity is ignored without persistence_timeout");
  EXPECT_EQ(fault(service("persistence_timeout\npersistence_granularity 24")),
            "4:25: error: '24' is not a netmask such as 255.255.255.0 (did you mean '255.255.255.0'?)");
  EXPECT_EQ(fault("virtual_server 2001:db8::100 80 {\nprotocol TCP\npersistence_timeout\n"
                  "persistence_granularity 255.255.255.0\nreal_server 2001:db8::1 80 {\n}\n}\n"),
            "4:25: error: '255.255.255.0' is not a whole number (expected 1 to 128) (an IPv6 service takes a prefix "
            "length, such as 64)");
}

std::string every_port(const std::string& lines, const std::string& server = "192.0.2.21 {\n}") {
  return fmt::format("virtual_server 192.0.2.100 {{\nprotocol TCP\n{}\nreal_server {}\n}}\n", lines, server);
}

TEST(EveryPort, IsPersistentAndKeepsThePortThatWasAskedFor) {
  const auto loaded = read_text(every_port("persistence_timeout 50"));
  ASSERT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.virtual_servers.at(0).endpoints.at(0).port, 0);
  EXPECT_EQ(loaded.model.virtual_servers[0].real_servers.at(0).endpoint.port, 0);
  const auto assumed = read_text(every_port(""));
  EXPECT_THAT(faults(assumed),
              ElementsAre("1:1: warning: virtual_server 192.0.2.100 is of every port and has no "
                          "persistence_timeout: 360 s is assumed (add a port or persistence_timeout)"));
  EXPECT_EQ(assumed.model.virtual_servers.at(0).persistence_timeout, 360s);
}

TEST(EveryPort, AServersOwnPortIsProbedOnly) {
  for (const std::string method : {"NAT", "DR", "TUN"}) {
    const auto loaded =
        read_text(every_port("persistence_timeout 50\nlvs_method " + method, "192.0.2.21 8080 {\nTCP_CHECK {\n}\n}"));
    EXPECT_THAT(faults(loaded),
                ElementsAre("5:24: warning: port 8080 is probed only: connections to a service of every port keep "
                            "theirs (leave it out, and give checks connect_port)"));
    const auto& server = loaded.model.virtual_servers.at(0).real_servers.at(0);
    EXPECT_EQ(server.endpoint.port, 0) << method;
    EXPECT_EQ(server.checks.at(0).target.port, 8080) << method;
  }
}

TEST(EveryPort, AProbeNeedsAPortOfItsOwn) {
  EXPECT_EQ(fault(every_port("persistence_timeout 50", "192.0.2.21 {\nTCP_CHECK {\n}\n}")),
            "5:1: error: TCP_CHECK has no port to probe: its real_server is of every port (add connect_port)");
  EXPECT_EQ(fault(every_port("persistence_timeout 50", "192.0.2.21 {\nTCP_CHECK {\nconnect_port 80\n}\n}")), "");
}

TEST(EveryPort, AGroupWithAndWithoutPortsCannotChangeThem) {
  const auto mixed = [](const std::string& server, const std::string& method = "NAT") {
    return "virtual_server_group G {\n192.0.2.100 80\n192.0.2.101\n}\nvirtual_server group G {\nprotocol TCP\n"
           "persistence_timeout\nlvs_method " +
           method + "\nreal_server 192.0.2.21 " + server + " {\n}\n}\n";
  };
  EXPECT_EQ(fault(mixed("")), "");
  EXPECT_THAT(fault(mixed("80")), HasSubstr("9:24: warning: port 80 is probed only"));
  EXPECT_THAT(fault(mixed("8080")), HasSubstr("9:24: error: the port cannot be changed: the service has addresses of "
                                              "every port, too"));
  EXPECT_THAT(fault(mixed("8080", "TUN")), HasSubstr("9:24: error: TUN cannot change the port: the service's is 80"));
}

TEST(Ports, AreChangedByNatAndFnatOnly) {
  const auto other = [](const std::string& method) {
    return fault(local_group() +
                 service("laddr_group_name L\nlvs_method " + method + "\nreal_server 192.0.2.22 81 {\n}"));
  };
  EXPECT_THAT(other("DR"), HasSubstr("8:24: error: DR cannot change the port: the service's is 80"));
  EXPECT_THAT(other("TUN type gre"), HasSubstr("8:24: error: TUN cannot change the port: the service's is 80"));
  EXPECT_THAT(other("FNAT"), IsEmpty());
  const auto loaded = read_text("virtual_server_group G {\n192.0.2.100 80\n192.0.2.100 443\n}\n" +
                                service("lvs_method DR\nreal_server 192.0.2.22 {\n}", "lvs_method NAT", "group G"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.virtual_servers.at(0).real_servers.at(0).endpoint.port, 0) << "each connection keeps its own";
}

}  // namespace
}  // namespace ballast::config
