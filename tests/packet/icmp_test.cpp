// ICMP errors about packets of connections, both ways: RFC 792, RFC 4443, RFC 5927; between the families RFC 7915.
#include "tests/packet/full_nat.hpp"
#include "tests/packet/report.hpp"

namespace ballast::packet {
namespace {

Outcome transmitted_report(const Report& report) { return {Verdict::transmit, "", report.bytes()}; }
Outcome passed_report(const Report& report) { return {Verdict::pass, "", report.bytes()}; }

class Icmp : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    auto full = full_nat(ClientAddress::toa);
    full.endpoints = {vip(82)};
    full.name = "full";
    auto names = full_nat(ClientAddress::none, 1, 1, Protocol::udp);
    names.endpoints = {vip(54)};
    names.name = "names";
    have({service(vip(), {server(1)}),
          service(vip(53), {server(1, 1, Method::nat, 5353)}, Scheduler::rr, Protocol::udp),
          service(vip(81), {server(2, 1, Method::dr, 81)}), full, names});
  }
  [[nodiscard]] net::IpAddress client_router() const { return at("192.0", "2001:db8:77", 2 * 256 + 1, 0).address; }
  [[nodiscard]] net::IpAddress server_router() const { return at("10.9", "fd00:9", 1, 0).address; }

  /// About a packet that a server sent to the client, as a router on the client's side sends it.
  [[nodiscard]] Report about_answer(const Packet& request, std::uint32_t most = 1300) const {
    return too_big(most, client_router(), request.destination().address, towards(request));
  }
  /// What the client got, or would have.
  static Packet towards(const Packet& request) {
    return request.ack().data("0123456789").from(request.destination()).to(request.source()).ttl(50);
  }
  [[nodiscard]] static Packet connection(const Packet& request, const net::Endpoint& source,
                                         const net::Endpoint& destination) {
    return towards(request).from(source).to(destination);
  }
};

TEST_P(Icmp, NatServerIsToldOfThePathsMtu) {
  establish_nat(from_client(), 1);
  const auto report = about_answer(from_client());
  const auto expected = report.to(real(1).address)
                            .quoting(connection(from_client(), real(1), client()))
                            .via(balancer_mac, real_mac(1))
                            .hop();
  for (const std::size_t quoted : {8U, 12U, 18U, 20U, 30U}) {
    EXPECT_EQ(path().send(report.quote_of(quoted).bytes()), transmitted_report(expected.quote_of(quoted))) << quoted;
  }
  EXPECT_EQ(path().events("error_delivered"), 5U);
  EXPECT_EQ(path().connection(from_client()), (Connection{"ESTABLISHED", name(1), true}))
      << "RFC 5927: no state changes";
}

TEST_P(Icmp, EveryKindOfErrorReachesTheNatServerAsItIs) {
  establish_nat(from_client(), 1);
  const unsigned last = is_v6() ? 4 : 12;
  for (const unsigned type : {1U, 2U, 3U, 4U, 11U, 12U}) {
    if (type > last || (!is_v6() && type < 3) || (!is_v6() && type == 4)) continue;
    const Report report{type, 1, 0x01000000, client_router(), vip().address, towards(from_client())};
    EXPECT_EQ(path().send(report.bytes()), transmitted_report(report.to(real(1).address)
                                                                  .quoting(connection(from_client(), real(1), client()))
                                                                  .via(balancer_mac, real_mac(1))
                                                                  .hop()));
  }
}

TEST_P(Icmp, OfUdpTheQuotedChecksumIsRightToo) {
  const auto question = udp(client(), vip(53));
  ASSERT_EQ(send(question).verdict, Verdict::transmit);
  for (const auto& packet : {udp(vip(53), client()).data("gone"), udp(vip(53), client()).data("gone").unsummed()}) {
    const auto report = port_unreachable(client().address, vip().address, packet);
    EXPECT_EQ(path().send(report.bytes()),
              transmitted_report(
                  report.to(real(1).address).quoting(packet.from(real(1, 5353))).via(balancer_mac, real_mac(1)).hop()));
  }
}

TEST_P(Icmp, TheClientIsToldWhatHappenedOnTheWayToANatServer) {
  establish_nat(from_client(), 1);
  const auto request = from_client().ack().data("0123456789").ttl(60);
  const auto behind = request.to(real(1));
  for (const auto& report : {too_big(1400, server_router(), client().address, behind),
                             time_exceeded(server_router(), client().address, behind),
                             port_unreachable(real(1).address, client().address, behind)}) {
    const auto sent = report.via(real_mac(1), balancer_mac);
    EXPECT_EQ(path().send(sent.bytes()),
              transmitted_report(report.from(vip().address).quoting(request).via(balancer_mac, client_mac).hop()));
  }
}

TEST_P(Icmp, DrServerGetsItAsItIs) {
  const auto request = from_client().to(vip(81));
  establish_dr(request, 2);
  for (const auto& report : {about_answer(request), about_answer(request).ttl(1), about_answer(request).unsound()}) {
    EXPECT_EQ(path().send(report.bytes()), transmitted_report(report.via(balancer_mac, real_mac(2))));
  }
}

TEST_P(Icmp, FullNatServerHearsFromTheLip) {
  const auto request = from_client().to(vip(82));
  const auto local = open(request.syn());
  const auto report = about_answer(request);
  EXPECT_EQ(path().send(report.bytes()), transmitted_report(report.from(lip(1))
                                                                .to(real(1).address)
                                                                .quoting(connection(request, real(1), local))
                                                                .via(balancer_mac, real_mac(1))
                                                                .hop()));
}

TEST_P(Icmp, FullNatClientIsToldAnMtuThatLeavesRoomForToa) {
  const auto request = from_client().to(vip(82)).ack().data("0123456789");
  const auto local = open(from_client().to(vip(82)).syn());
  const auto behind = request.from(local).to(real(1)).ttl(40);
  const auto report = too_big(1400, server_router(), lip(1), behind).via(real_mac(1), balancer_mac);
  const unsigned room = is_v6() ? 20 : 8;
  EXPECT_EQ(
      path().send(report.bytes()),
      transmitted_report(
          too_big(1400 - room, vip().address, client().address, request.ttl(40)).via(balancer_mac, client_mac).hop()));
}

TEST_P(Icmp, ToaGivesWayWhereAPathHasRoomForIpv6sLeastMtuOnly) {
  const auto client_packet = from_client().to(vip(82));
  const auto local = open(client_packet.syn());
  const auto request = client_packet.ack().data("0123456789");
  const auto tell = [&](std::uint32_t most) {
    const auto quoted = request.from(local).to(real(1));
    return path().send(too_big(most, server_router(), lip(1), quoted).via(real_mac(1), balancer_mac).bytes());
  };
  const auto told = [&](std::uint32_t most) {
    return transmitted_report(
        too_big(most, vip().address, client().address, request).via(balancer_mac, client_mac).hop());
  };
  EXPECT_EQ(tell(1290), told(is_v6() ? 1270 : 1282)) << "the handshake's last packet has to tell the server first";
  ASSERT_EQ(send(reply(local).syn().ack()).verdict, Verdict::transmit);
  ASSERT_EQ(send(client_packet.ack()), transmitted(behind(client_packet.ack().options(toa(client())), local)));
  EXPECT_EQ(tell(1300), told(is_v6() ? 1280 : 1292));
  EXPECT_EQ(send(request), transmitted(behind(request.options(toa(client())), local)));
  EXPECT_EQ(tell(1290), told(is_v6() ? 1290 : 1282));
  EXPECT_EQ(send(request), transmitted(behind(is_v6() ? request : request.options(toa(client())), local)));
  EXPECT_EQ(path().events("toa_left_out"), is_v6() ? 1U : 0U);
}

TEST_P(Icmp, FullNatUdpBothWays) {
  const auto question = udp(client(), vip(54)).data("where");
  const auto local = open(question);
  const auto unheard = port_unreachable(real(1).address, lip(1), question.from(local).to(real(1)));
  EXPECT_EQ(
      path().send(unheard.via(real_mac(1), balancer_mac).bytes()),
      transmitted_report(
          unheard.from(vip().address).to(client().address).quoting(question).via(balancer_mac, client_mac).hop()));
  const auto gone = port_unreachable(client().address, vip().address, udp(vip(54), client()).data("there"));
  EXPECT_EQ(path().send(gone.bytes()), transmitted_report(gone.from(lip(1))
                                                              .to(real(1).address)
                                                              .quoting(udp(real(1), local).data("there"))
                                                              .via(balancer_mac, real_mac(1))
                                                              .hop()));
}

TEST_P(Icmp, WhatQuotesNoConnectionIsTheKernels) {
  establish_nat(from_client(), 1);
  const auto known = about_answer(from_client());
  for (const auto& report :
       {about_answer(from_client(9)), known.to(vip(80, 11).address), known.quote_of(7), known.quote_of(0),
        known.quoting(towards(from_client()).fragment(1480, true)),
        too_big(1400, server_router(), client().address, from_client(9).ack().to(real(1))),
        too_big(1400, server_router(), client().address, from_client().ack().to(real(3))),
        Report{is_v6() ? 129U : 5U, 0, 0, client_router(), vip().address, towards(from_client())}}) {
    EXPECT_EQ(path().send(report.bytes()), passed_report(report));
  }
}

TEST_P(Icmp, TheBackupLeavesThemToTheKernel) {
  establish_nat(from_client(), 1);
  desired.services[0].role = "VI_1";
  desired.roles["VI_1"] = {.forwarding = false, .known = true};
  apply();
  const auto report = about_answer(from_client());
  EXPECT_EQ(path().send(report.bytes()), passed_report(report));
}

TEST_P(Icmp, OneThatArrivedBrokenIsDropped) {
  establish_nat(from_client(), 1);
  EXPECT_EQ(path().send(about_answer(from_client()).unsound().bytes()), dropped("truncated"));
}

TEST_P(Icmp, NoneLivesForever) {
  establish_nat(from_client(), 1);
  EXPECT_EQ(path().send(about_answer(from_client()).ttl(1).bytes()), dropped("ttl"));
  const auto behind = too_big(1400, server_router(), client().address, from_client().ack().to(real(1)));
  EXPECT_EQ(path().send(behind.ttl(1).via(real_mac(1), balancer_mac).bytes()), dropped("ttl"));
}

TEST_P(Icmp, TagsOfTheWayThatItCameAreNotThoseOfTheWayOn) {
  establish_nat(from_client(), 1);
  const auto report = about_answer(from_client());
  EXPECT_EQ(path().send(report.vlan(7).bytes()),
            transmitted_report(report.to(real(1).address)
                                   .quoting(connection(from_client(), real(1), client()))
                                   .via(balancer_mac, real_mac(1))
                                   .hop()));
}

TEST_P(Icmp, CutAtAnyByteItIsNeitherForwardedNorWrittenTo) {
  establish_nat(from_client(), 1);
  const auto request = from_client().to(vip(82));
  open(request.syn());
  for (const auto& report : {about_answer(from_client()), about_answer(request),
                             too_big(1400, server_router(), client().address, from_client().ack().to(real(1)))}) {
    const auto whole = report.quote_of(20).bytes();
    for (std::size_t length = 14; length < whole.size(); ++length) {
      const auto outcome = path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome == dropped("truncated")) << length;
    }
  }
}

TEST_P(Icmp, ALongQuoteIsCutToWhatAReportMayHave) {
  establish_nat(from_client(), 1);
  const auto answer = towards(from_client()).data(std::string(1400, 'x'));
  const auto report = too_big(1300, client_router(), vip().address, answer);
  const std::size_t most = is_v6() ? 1280 - 88 : 576 - 48;
  EXPECT_EQ(path().send(report.quote_of(1300).bytes()), transmitted_report(report.to(real(1).address)
                                                                               .quoting(answer.from(real(1)))
                                                                               .quote_of(most)
                                                                               .via(balancer_mac, real_mac(1))
                                                                               .hop()));
}

BALLAST_BOTH_FAMILIES(Icmp);

// IPv6 clients of IPv4 servers.
class Icmp64 : public Icmp {
 protected:
  [[nodiscard]] bool servers_are_v6() const override { return false; }
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({full_nat(ClientAddress::none), full_nat(ClientAddress::none, 1, 1, Protocol::udp)});
    local_ = open(from_client().syn());
  }
  /// The server's packet that an IPv6 router saw translated.
  [[nodiscard]] Report to_v4(unsigned type, unsigned code, std::uint32_t rest) const {
    return Report{
        type, code, rest, lip(1), real(1).address, connection(from_client(), real(1), local_).identification(0, true)}
        .via(balancer_mac, real_mac(1))
        .hop();
  }
  [[nodiscard]] Report from_v6(unsigned type, unsigned code, std::uint32_t rest) const {
    return {type, code, rest, client_router(), vip().address, towards(from_client())};
  }
  [[nodiscard]] Packet request() const { return from_client().ack().data("0123456789").ttl(33); }
  [[nodiscard]] Report to_v6(unsigned type, unsigned code, std::uint32_t rest) const {
    return Report{type, code, rest, vip().address, client().address, request()}.via(balancer_mac, client_mac).hop();
  }
  [[nodiscard]] Report from_v4(unsigned type, unsigned code, std::uint32_t rest) const {
    return Report{type, code, rest, address("10.9.0.1"), lip(1), request().from(local_).to(real(1))}.via(real_mac(1),
                                                                                                         balancer_mac);
  }
  net::Endpoint local_;
};

TEST_P(Icmp64, ErrorsFromTheClientsSideAreTranslated) {
  struct Case {
    unsigned type, code;
    std::uint32_t rest;
    unsigned type4, code4;
    std::uint32_t rest4;
  };
  for (const auto& each :
       {Case{2, 0, 1400, 3, 4, 1380}, Case{2, 0, 1000, 3, 4, 1260}, Case{1, 0, 0, 3, 1, 0}, Case{1, 1, 0, 3, 13, 0},
        Case{1, 3, 0, 3, 1, 0}, Case{1, 4, 0, 3, 3, 0}, Case{3, 0, 0, 11, 0, 0}, Case{4, 1, 6, 3, 2, 0}}) {
    EXPECT_EQ(path().send(from_v6(each.type, each.code, each.rest).bytes()),
              transmitted_report(to_v4(each.type4, each.code4, each.rest4)))
        << each.type << "/" << each.code;
  }
  EXPECT_EQ(path().send(from_v6(4, 0, 40).bytes()), passed_report(from_v6(4, 0, 40))) << "nothing says it in IPv4";
}

TEST_P(Icmp64, ErrorsFromTheServersSideAreTranslated) {
  struct Case {
    unsigned type, code;
    std::uint32_t rest;
    unsigned type6, code6;
    std::uint32_t rest6;
  };
  for (const auto& each :
       {Case{3, 4, 1400, 2, 0, 1420}, Case{3, 4, 0, 2, 0, 1280}, Case{3, 0, 0, 1, 0, 0}, Case{3, 1, 0, 1, 0, 0},
        Case{3, 3, 0, 1, 4, 0}, Case{3, 13, 0, 1, 1, 0}, Case{3, 2, 0, 4, 1, 6}, Case{11, 1, 0, 3, 1, 0}}) {
    EXPECT_EQ(path().send(from_v4(each.type, each.code, each.rest).bytes()),
              transmitted_report(to_v6(each.type6, each.code6, each.rest6)))
        << each.type << "/" << each.code;
  }
  EXPECT_EQ(path().send(from_v4(12, 0, 0).bytes()), passed_report(from_v4(12, 0, 0)));
}

INSTANTIATE_TEST_SUITE_P(, Icmp64, ::testing::Values(net::Family::ipv6), family_name);

}  // namespace
}  // namespace ballast::packet
