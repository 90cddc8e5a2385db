// TUN: each kind of tunnel in all four pairs of families: RFC 2003, RFC 2473, RFC 4213, RFC 2784, GUE; ECN by RFC 6040.
#include "tests/packet/report.hpp"
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using config::TunnelChecksum;
using config::TunnelType;
using Parameters = std::tuple<net::Family, net::Family, TunnelType, TunnelChecksum>;

Bytes ip_of(const Packet& packet) {
  const auto frame = packet.bytes();
  return {frame.begin() + 14, frame.end()};
}

/// Scenario is for one family; this one's servers may be of the other.
class Tunnels : public ::testing::TestWithParam<Parameters> {
 protected:
  void SetUp() override {
    if (const auto missing = DataPath::missing(); !missing.empty()) GTEST_SKIP() << missing;
    path_ = std::make_unique<DataPath>(Sizes{});
    have(0);
  }
  void have(unsigned mtu) {
    forwardd::DesiredState desired;
    for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
      DesiredService made;
      made.name = protocol == Protocol::tcp ? "tcp" : "udp";
      made.endpoints = {vip()};
      made.protocol = protocol;
      made.method = Method::tun;
      DesiredServer server{
          .endpoint = {tunnel_end(), 80}, .method = Method::tun, .weight = 1, .status = bus::ServerStatus::up};
      server.tunnel = {.type = type(), .port = 6080, .checksum = std::get<3>(GetParam())};
      made.servers = {server};
      desired.services.push_back(made);
    }
    path_->set(desired, {{tunnel_end(), {1, balancer_mac, server_mac, balancer(), mtu}}});
  }
  [[nodiscard]] bool is_v6() const { return std::get<0>(GetParam()) == net::Family::ipv6; }
  [[nodiscard]] bool is_v6_outside() const { return std::get<1>(GetParam()) == net::Family::ipv6; }
  [[nodiscard]] TunnelType type() const { return std::get<2>(GetParam()); }
  [[nodiscard]] bool wants_checksum() const {
    return std::get<3>(GetParam()) == TunnelChecksum::csum && type() != TunnelType::ipip;
  }
  [[nodiscard]] net::Endpoint vip() const { return endpoint(is_v6() ? "[2001:db8:aaaa::10]:80" : "203.0.113.10:80"); }
  [[nodiscard]] net::Endpoint client(unsigned number = 0) const {
    return {address(is_v6() ? "2001:db8:c::7" : "198.51.100.7"), static_cast<std::uint16_t>(40000 + number)};
  }
  [[nodiscard]] net::IpAddress tunnel_end() const { return address(is_v6_outside() ? "fd00:5::1" : "10.0.0.1"); }
  [[nodiscard]] net::IpAddress balancer() const { return address(is_v6_outside() ? "fd00:5::1b" : "10.0.0.251"); }
  [[nodiscard]] net::IpAddress router() const { return address(is_v6_outside() ? "fd00:9::1" : "10.9.0.1"); }
  [[nodiscard]] unsigned overhead() const {
    const unsigned header = is_v6_outside() ? 40 : 20;
    if (type() == TunnelType::gue) return header + 12;
    return header + (type() == TunnelType::gre ? (wants_checksum() ? 8 : 4) : 0);
  }

  Outer sent(const Bytes& frame) {
    const auto outcome = path_->send(frame);
    EXPECT_EQ(outcome.verdict, Verdict::transmit) << outcome.reason;
    return outcome.verdict == Verdict::transmit ? open_tunnel(outcome.frame) : Outer{};
  }
  Outer expect_wrapped(const Packet& packet) {
    const auto outer = sent(packet.bytes());
    EXPECT_EQ(outer.fault, "");
    EXPECT_EQ(outer.source, balancer());
    EXPECT_EQ(outer.destination, tunnel_end());
    EXPECT_EQ(outer.ttl, 64);
    constexpr std::uint8_t of_type[] = {0, 17, 47};
    EXPECT_EQ(outer.protocol, type() == TunnelType::ipip ? (is_v6() ? 41 : 4) : of_type[static_cast<int>(type())]);
    EXPECT_EQ(outer.inner, ip_of(packet));
    EXPECT_EQ(outer.port, type() == TunnelType::gue ? 6080 : 0);
    return outer;
  }
  void send_syn() { EXPECT_EQ(path_->send(tcp(client(), vip()).syn()).verdict, Verdict::transmit); }
  static constexpr net::MacAddress server_mac{{2, 0, 0, 0, 0, 1}};
  std::unique_ptr<DataPath> path_;
};

TEST_P(Tunnels, EveryPacketOfAConnectionIsWrappedAsItIs) {
  const auto request = tcp(client(), vip());
  for (const auto& packet :
       {request.syn(), request.ack(), request.ack().data("G"), request.ack().data("GET / HTTP/1.1\r\n\r\n"),
        request.ack().options(timestamps() + nops(2)).data("odd"), request.fin().ack(), request.rst()}) {
    EXPECT_EQ(expect_wrapped(packet).has_checksum, wants_checksum()) << describe(packet.bytes());
  }
}

TEST_P(Tunnels, OfUdpToo) {
  for (const auto* text : {"", "a", "ab", "abc", "a longer question"}) {
    EXPECT_EQ(expect_wrapped(udp(client(), vip()).data(text)).has_checksum, wants_checksum());
  }
  if (!is_v6()) {
    EXPECT_FALSE(expect_wrapped(udp(client(), vip()).data("unsummed").unsummed()).has_checksum)
        << "there is nothing to make it from without reading all";
  }
}

TEST_P(Tunnels, IpOptionsAndExtensionHeadersStayInside) {
  const auto request = tcp(client(), vip()).syn();
  expect_wrapped(is_v6() ? request.ipv6_options() : request.ip_options(3));
}

TEST_P(Tunnels, TagsOfTheFrameDoNotGoOn) {
  const auto request = tcp(client(), vip()).syn();
  EXPECT_EQ(sent(request.vlan(7).bytes()).inner, ip_of(request));
  EXPECT_EQ(sent(request.vlans(100, 7).bytes()).inner, ip_of(request));
}

TEST_P(Tunnels, TheClassOfServiceAndCongestionMarkAreSeenOutside) {
  for (const unsigned value : {0U, 1U, 2U, 3U, 0xb8U, 0xffU}) {
    const auto packet = tcp(client(), vip()).syn().traffic_class(static_cast<std::uint8_t>(value));
    EXPECT_EQ(expect_wrapped(packet).traffic_class, value);
  }
}

TEST_P(Tunnels, WhatMustNotBeCutInsideMustNotBeCutOutside) {
  EXPECT_TRUE(expect_wrapped(tcp(client(), vip()).syn()).dont_fragment);
  if (is_v6() || is_v6_outside()) return;
  EXPECT_FALSE(expect_wrapped(tcp(client(1), vip()).syn().identification(7, false)).dont_fragment);
}

TEST_P(Tunnels, FlowsDifferOutsideSoThatRoutersSpreadThem) {
  std::set<std::uint32_t> seen;
  for (unsigned number = 0; number < 64; ++number) {
    const auto outer = expect_wrapped(tcp(client(number), vip()).syn());
    const auto again = expect_wrapped(tcp(client(number), vip()).ack());
    EXPECT_EQ(outer.source_port, again.source_port) << "one flow stays on one way";
    EXPECT_EQ(outer.flow_label, again.flow_label);
    seen.insert(type() == TunnelType::gue ? outer.source_port : outer.flow_label);
  }
  const bool has_room_for_it = type() == TunnelType::gue || is_v6_outside();
  EXPECT_GT(seen.size(), has_room_for_it ? 50U : 0U);
}

TEST_P(Tunnels, ARouterThatSaysTheTunnelIsTooBigIsPassedOnToTheClient) {
  const auto packet = tcp(client(), vip()).ack().data("0123456789").ttl(60);
  send_syn();
  const auto wrapped = path_->send(packet.bytes());
  ASSERT_EQ(wrapped.verdict, Verdict::transmit);
  const auto report = too_big(1300, router(), balancer(), packet)
                          .quoting_bytes(Bytes{wrapped.frame.begin() + 14, wrapped.frame.end()})
                          .via(server_mac, balancer_mac);
  const auto told = too_big(1300 - overhead(), vip().address, client().address, packet)
                        .quote_of(100)
                        .via(balancer_mac, client_mac)
                        .hop();
  EXPECT_EQ(path_->send(report.bytes()), (Outcome{Verdict::transmit, "", told.bytes()}));
  const auto other =
      time_exceeded(router(), balancer(), packet).quoting_bytes(Bytes{wrapped.frame.begin() + 14, wrapped.frame.end()});
  EXPECT_EQ(path_->send(other.bytes()).verdict, Verdict::pass) << "a fault of the tunnel is the balancer's own";
}

TEST_P(Tunnels, AnErrorForTheVipGoesThroughTheTunnel) {
  send_syn();
  const auto answer = tcp(vip(), client()).ack().data("0123456789");
  const auto report = too_big(1300, address(is_v6() ? "2001:db8:77::1" : "192.0.2.1"), vip().address, answer);
  const auto outer = sent(report.bytes());
  EXPECT_EQ(outer.fault, "");
  EXPECT_EQ(outer.destination, tunnel_end());
  EXPECT_EQ(outer.inner, report.ip_bytes());
}

TEST_P(Tunnels, APacketTooBigWithItsOuterHeaderIsAnsweredWithWhatFits) {
  have(1400);
  send_syn();
  const unsigned headers = is_v6() ? 60 : 40;
  const auto fits = tcp(client(), vip()).ack().data(std::string(1400 - overhead() - headers, 'x'));
  expect_wrapped(fits);
  const auto packet = tcp(client(), vip()).ack().data(std::string(1401 - overhead() - headers, 'x'));
  const auto told = too_big(1400 - overhead(), vip().address, client().address, packet)
                        .quote_of(is_v6() ? 1280 - 88 : 576 - 48)
                        .via(balancer_mac, client_mac);
  EXPECT_EQ(path_->send(packet.bytes()), (Outcome{Verdict::transmit, "too_big", told.bytes()}));
}

TEST_P(Tunnels, CutAtAnyByteNothingIsWrapped) {
  send_syn();
  const auto whole = tcp(client(), vip()).ack().data("0123456789").bytes();
  for (std::size_t length = 14; length < whole.size(); ++length) {
    const auto outcome = path_->send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome == dropped("truncated")) << length;
  }
}

std::string tunnel_name(const ::testing::TestParamInfo<Parameters>& info) {
  constexpr const char* types[] = {"Ipip", "Gue", "Gre"};
  const auto& [inner, outer, type, checksum] = info.param;
  return fmt::format("{}{}In{}{}", types[static_cast<int>(type)], inner == net::Family::ipv6 ? 6 : 4,
                     outer == net::Family::ipv6 ? 6 : 4, checksum == TunnelChecksum::csum ? "Summed" : "");
}

constexpr auto families = std::array{net::Family::ipv4, net::Family::ipv6};
INSTANTIATE_TEST_SUITE_P(, Tunnels,
                         ::testing::Combine(::testing::ValuesIn(families), ::testing::ValuesIn(families),
                                            ::testing::Values(TunnelType::ipip, TunnelType::gue, TunnelType::gre),
                                            ::testing::Values(TunnelChecksum::none, TunnelChecksum::csum)),
                         tunnel_name);

}  // namespace
}  // namespace ballast::packet
