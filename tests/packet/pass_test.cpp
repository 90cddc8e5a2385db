// What is not ours goes to the kernel as it came.
#include "daemons/forwardd/xdp/filters.hpp"
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Pass : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have(service(vip(), {server(1)}));
  }
  void expect_pass(const Packet& packet) { EXPECT_EQ(send(packet), passed(packet)); }
};

TEST_P(Pass, AnotherAddress) {
  expect_pass(tcp(client(), vip(80, 11)).syn());
  expect_pass(udp(client(), vip(80, 11)));
}

TEST_P(Pass, AnotherPortOrProtocolOfTheVip) {
  expect_pass(tcp(client(), vip(22)).syn());
  expect_pass(tcp(client(), vip(22)).ack());
  expect_pass(query());
}

TEST_P(Pass, AnEchoRequestToTheVip) { expect_pass(ping(client().address, vip().address)); }

TEST_P(Pass, WhatAServerSendsOfItsOwn) {
  expect_pass(tcp(real(1, 50000), client(443)).syn());
  expect_pass(tcp(real(1), client()).syn().ack());
  expect_pass(udp(real(1), client()));
}

TEST_P(Pass, AFrameThatIsNoIp) {
  auto arp = from_client().syn().bytes();
  arp[12] = 0x08;
  arp[13] = 0x06;
  EXPECT_EQ(path().send(arp), (Outcome{Verdict::pass, "", arp}));
}

TEST_P(Pass, AnAddressThatTheFilterTakesForTheVip) {
  const auto bit = forwardd::xdp::filter_bit(vip().address);
  net::Endpoint twin;
  for (unsigned number = 11; twin == net::Endpoint{}; ++number) {
    const auto other = is_v6() ? at("", "2001:db8:bbbb", number, 80)
                               : at(fmt::format("192.{}", number >> 16).c_str(), "", number & 0xffff, 80);
    if (forwardd::xdp::filter_bit(other.address) == bit) twin = other;
  }
  expect_pass(tcp(client(), twin).syn());
  expect_pass(tcp(client(), twin).syn().fragment(0, true));
  expect_pass(tcp(client(), twin).syn().tcp_header_words(4));
}

TEST_P(Pass, AnIpv6PacketThatCarriesIpv4AddressesIsNotTheIpv4Connection) {
  if (is_v6()) return;
  expect_pass(from_client().in_ipv6_header().syn());
  establish_nat(from_client(), 1);
  expect_pass(from_client().in_ipv6_header().ack());
  expect_pass(answer(from_client().ack(), 1).in_ipv6_header());
  EXPECT_EQ(path().stats(name(1)).packets_in, 2U);
}

TEST_P(Pass, EverythingWhileTheInstanceIsNotMasterAndNothingAfter) {
  auto web = service(vip(), {server(1)});
  web.role = "VI_1";
  desired.roles["VI_1"] = {.forwarding = true, .known = true};
  have(web);
  establish_nat(from_client(), 1);
  desired.roles["VI_1"].forwarding = false;
  have(web);
  expect_pass(from_client().ack());
  expect_pass(from_client(1).syn());
  expect_pass(answer(from_client().ack(), 1));
  desired.roles["VI_1"].forwarding = true;
  have(web);
  EXPECT_EQ(send(from_client().ack()), transmitted(to_server(from_client().ack(), 1))) << "the connection was kept";
  EXPECT_EQ(send(from_client(1).syn()), transmitted(to_server(from_client(1).syn(), 1)));
}

TEST_P(Pass, OneInstancesRoleIsNotAnothers) {
  auto first = service(vip(), {server(1)});
  auto second = service(vip(80, 11), {server(2)});
  first.role = "VI_1";
  second.role = "VI_2";
  desired.roles = {{"VI_1", {.forwarding = true, .known = true}}, {"VI_2", {.forwarding = false, .known = true}}};
  have({first, second});
  EXPECT_EQ(send(from_client().syn()), transmitted(to_server(from_client().syn(), 1)));
  expect_pass(tcp(client(), vip(80, 11)).syn());
}

TEST_P(Pass, EverythingOnceTheServiceIsRemoved) {
  establish_nat(from_client(), 1);
  have_nothing();
  expect_pass(from_client().ack());
  expect_pass(answer(from_client().ack(), 1));
}

BALLAST_BOTH_FAMILIES(Pass);

}  // namespace
}  // namespace ballast::packet
