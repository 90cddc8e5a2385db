// A packet too big for the way to its server: its sender is told (RFC 1191, RFC 8201), at a bounded rate.
#include "tests/packet/full_nat.hpp"
#include "tests/packet/report.hpp"

namespace ballast::packet {
namespace {

class TooBig : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    mtu = 1400;
    auto full = full_nat(ClientAddress::none);
    full.endpoints = {vip(82)};
    full.name = "full";
    auto wrapped = service(vip(83), {server(3, 1, Method::tun, 83)});
    have({service(vip(), {server(1)}), full, wrapped});
  }
  [[nodiscard]] unsigned ip_header() const { return is_v6() ? 40 : 20; }
  /// A segment of so many bytes.
  [[nodiscard]] Packet segment(const net::Endpoint& vip, unsigned length) const {
    return tcp(client(), vip).ack().data(std::string(length - ip_header() - 20, 'x'));
  }
  [[nodiscard]] Outcome told(const Packet& packet, unsigned most) const {
    const std::size_t quote = is_v6() ? 1280 - 88 : 576 - 48;
    const auto report = too_big(most, packet.destination().address, packet.source().address, packet)
                            .quote_of(quote)
                            .via(balancer_mac, client_mac);
    return {Verdict::transmit, "too_big", report.bytes()};
  }
};

TEST_P(TooBig, TheClientOfANatServerIsToldItsMtu) {
  establish_nat(from_client(), 1);
  EXPECT_EQ(send(segment(vip(), 1401)), told(segment(vip(), 1401), 1400));
  EXPECT_EQ(send(segment(vip(), 1400)), transmitted(to_server(segment(vip(), 1400), 1)));
  EXPECT_EQ(path().events("told_too_big"), 1U);
}

TEST_P(TooBig, TheClientOfATunnelIsToldTheMtuLessTheOuterHeader) {
  send(tcp(client(), vip(83)).syn());
  const unsigned most = 1400 - ip_header();
  EXPECT_EQ(send(segment(vip(83), most + 1)), told(segment(vip(83), most + 1), most));
  EXPECT_EQ(send(segment(vip(83), most)).verdict, Verdict::transmit);
}

TEST_P(TooBig, TheClientOfAFullNatServerIsTold) {
  open(tcp(client(), vip(82)).syn());
  EXPECT_EQ(send(segment(vip(82), 1401)), told(segment(vip(82), 1401), 1400));
}

TEST_P(TooBig, ASenderThatAllowsFragmentsIsToldAllTheSame) {
  if (is_v6()) return;
  establish_nat(from_client(), 1);
  const auto packet = segment(vip(), 1401).identification(7, false);
  EXPECT_EQ(send(packet), told(packet, 1400)) << "an XDP program cannot cut packets";
}

TEST_P(TooBig, TheTagOfTheFrameStays) {
  establish_nat(from_client(), 1);
  auto packet = segment(vip(), 1401);
  const auto report = too_big(1400, vip().address, client().address, packet)
                          .quote_of(is_v6() ? 1280 - 88 : 576 - 48)
                          .via(balancer_mac, client_mac)
                          .vlan(7);
  EXPECT_EQ(send(packet.vlan(7)), (Outcome{Verdict::transmit, "too_big", report.bytes()}));
}

TEST_P(TooBig, NobodyIsToldMoreThanAThousandTimesASecond) {
  establish_nat(from_client(), 1);
  const auto frame = segment(vip(), 1401).bytes();
  for (int i = 0; i < 6000; ++i) path().replay(frame);
  EXPECT_EQ(path().drops("too_big"), 6000U);
  EXPECT_GE(path().events("told_too_big"), 1000U);
  EXPECT_LT(path().events("told_too_big"), 6000U);
}

BALLAST_BOTH_FAMILIES(TooBig);

class TooBig64 : public TooBig {
 protected:
  [[nodiscard]] bool servers_are_v6() const override { return false; }
};

TEST_P(TooBig64, AnIpv6ClientIsToldWhatItsPacketsAreInIpv4) {
  open(tcp(client(), vip(82)).syn());
  EXPECT_EQ(send(segment(vip(82), 1421)), told(segment(vip(82), 1421), 1420));
  EXPECT_EQ(send(segment(vip(82), 1420)).verdict, Verdict::transmit);
}

INSTANTIATE_TEST_SUITE_P(, TooBig64, ::testing::Values(net::Family::ipv6), family_name);

}  // namespace
}  // namespace ballast::packet
