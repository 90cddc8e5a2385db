// FNAT from IPv6 clients to IPv4 servers (RFC 7915).
#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

class Nat64 : public FullNatScenario {
 protected:
  [[nodiscard]] bool servers_are_v6() const override { return false; }
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({full_nat(ClientAddress::none), full_nat(ClientAddress::none, 1, 1, Protocol::udp)});
  }
  /// A client's packet as the server gets it: one that may be fragmented has an identification of its own.
  void expect_behind(const Packet& request, const Packet& expected) {
    const auto outcome = send(request);
    ASSERT_EQ(outcome.verdict, Verdict::transmit) << outcome.reason;
    EXPECT_EQ(outcome, transmitted(expected.identification(identification(outcome.frame), false)));
  }
  [[nodiscard]] Packet answer_udp(const net::Endpoint& local) const {
    return udp(real(1), local).via(real_mac(1), balancer_mac);
  }
};

TEST_P(Nat64, AWholeTcpConnectionGoesThrough) {
  const auto local = open(from_client().syn());
  EXPECT_EQ(local.address, lip(1));
  expect_behind(from_client().syn(), behind(from_client().syn(), local));
  const auto accepted = reply(local).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(before(accepted, from_client())));
  for (const auto* text : {"", "a", "GET / HTTP/1.1\r\n\r\n"}) {
    const auto request = from_client().ack().data(text);
    expect_behind(request, behind(request, local));
    const auto response = reply(local).ack().data(text);
    EXPECT_EQ(send(response), transmitted(before(response, from_client())));
  }
  EXPECT_EQ(path().connection(from_client()), (Connection{"ESTABLISHED", name(1), true}));
}

TEST_P(Nat64, UdpBothWays) {
  const auto local = open(query());
  for (const auto* text : {"", "a", "ab", "another question!"}) {
    expect_behind(query().data(text), behind(query().data(text), local));
    EXPECT_EQ(send(answer_udp(local).data(text)), transmitted(before(answer_udp(local).data(text), query())));
  }
}

TEST_P(Nat64, ALongPacketIsNotToBeFragmented) {
  const auto local = open(from_client().syn());
  const auto longest = from_client().ack().data(std::string(1260 - 40, 'x'));
  expect_behind(longest, behind(longest, local));
  const auto longer = from_client().ack().data(std::string(1260 - 39, 'x'));
  EXPECT_EQ(send(longer), transmitted(behind(longer, local).identification(0, true)));
}

TEST_P(Nat64, AServersUdpPacketWithoutAChecksumGetsOne) {
  const auto local = open(query());
  for (const std::size_t size : {0U, 1U, 2U, 31U, 55U, 56U, 57U, 63U, 64U, 65U, 119U, 120U, 500U, 1464U}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 37);
    EXPECT_EQ(send(answer_udp(local).data(text).unsummed()), transmitted(before(answer_udp(local).data(text), query())))
        << size;
  }
}

TEST_P(Nat64, TheTrafficClassIsKept) {
  const auto local = open(from_client().syn());
  expect_behind(from_client().ack().traffic_class(0xb9), behind(from_client().ack().traffic_class(0xb9), local));
  const auto response = reply(local).ack().traffic_class(0xb9);
  EXPECT_EQ(send(response), transmitted(before(response, from_client())));
}

TEST_P(Nat64, ExtensionHeadersAndOptionsGo) {
  const auto local = open(from_client().syn());
  expect_behind(from_client().ack().data("x").ipv6_options(), behind(from_client().ack().data("x"), local));
  for (const unsigned words : {1U, 4U, 5U, 6U, 10U}) {
    const auto response = reply(local).ack().data("200 OK");
    EXPECT_EQ(send(response.ip_options(words)), transmitted(before(response, from_client()))) << words;
  }
}

TEST_P(Nat64, VlanTagsAreThoseOfTheWayOn) {
  const auto outcome = send(from_client().vlan(7).syn());
  ASSERT_EQ(outcome.verdict, Verdict::transmit);
  const auto local = sender(outcome.frame);
  expect_behind(from_client().vlan(7).ack(), behind(from_client().ack(), local));
  EXPECT_EQ(send(reply(local).syn().ack()), transmitted(before(reply(local).syn().ack(), from_client()).vlan(7)));
}

TEST_P(Nat64, TimeToLiveEndsHere) {
  const auto local = open(from_client().syn());
  EXPECT_EQ(send(from_client().ack().ttl(1)), dropped("ttl"));
  EXPECT_EQ(send(reply(local).ack().ttl(1)), dropped("ttl"));
}

TEST_P(Nat64, ChecksumsStayRightForAnyBytesAndPorts) {
  for (std::uint16_t number = 0; number < 1500; ++number) {
    const auto request =
        udp(client(1024 + 43 * number), vip()).data({reinterpret_cast<const char*>(&number), sizeof number});
    const auto local = open(request);
    const auto response = answer_udp(local).data(request.text());
    ASSERT_EQ(send(response), transmitted(before(response, request)));
  }
}

TEST_P(Nat64, AWrongChecksumStaysWrong) {
  const auto local = open(from_client().syn());
  for (const auto& packet : {from_client().ack().data("broken on the way"), reply(local).ack().data("broken, too")}) {
    auto frame = packet.bytes();
    frame.back() ^= 1;
    EXPECT_EQ(checksum_fault(path().send(frame).frame), "layer 4 checksum");
  }
}

TEST_P(Nat64, APacketCutAtAnyByteIsNeitherForwardedNorWrittenTo) {
  const auto local = open(from_client().syn());
  for (const auto& packet : {from_client().ack().data("GET / HTTP/1.1\r\n\r\n"), reply(local).ack().data("200 OK"),
                             from_client().ack().ipv6_options()}) {
    const auto whole = packet.bytes();
    for (std::size_t length = 14; length < whole.size(); ++length) {
      const auto outcome = path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome == dropped("truncated")) << length;
    }
  }
}

TEST_P(Nat64, TheClientsIpv6AddressInToa) {
  have(full_nat(ClientAddress::toa));
  const auto local = open(from_client().syn());
  const auto accepted = reply(local).syn().ack();
  EXPECT_EQ(send(accepted.options(mss(1460))), transmitted(before(accepted.options(mss(1420)), from_client())))
      << "20 for the option, 20 for the header";
  const auto request = from_client().ack().data("GET /");
  expect_behind(request, behind(request.options(toa(client())), local));
  send(reply(local).ack().data("200 OK"));
  expect_behind(request, behind(request, local));
}

TEST_P(Nat64, ToaCountsTheLengthBehindTheTranslation) {
  mtu = 1500;
  have(full_nat(ClientAddress::toa));
  const auto local = open(from_client().syn());
  send(reply(local).syn().ack());
  const auto fits = from_client().ack().data(std::string(1500 - 40 - 20, 'x'));
  EXPECT_EQ(send(fits), transmitted(behind(fits.options(toa(client())), local).identification(0, true)));
  const auto full = from_client().ack().data(std::string(1500 - 40 - 19, 'x'));
  EXPECT_EQ(send(full), transmitted(behind(full, local).identification(0, true)));
  EXPECT_EQ(path().events("toa_left_out"), 1U);
}

TEST_P(Nat64, TheClientsIpv6AddressInAProxyHeader) {
  have(full_nat(ClientAddress::proxy_v1));
  const auto request = from_client();
  const auto local = open(request.syn());
  send(reply(local).syn().ack().acknowledges(0x01020305));
  const std::string header =
      "PROXY TCP6 2001:0db8:000c:0000:0000:0000:0000:0007 2001:0db8:aaaa:0000:0000:0000:0000:000a 40000 80\r\n";
  const auto data = request.ack().sequence(0x01020305).data("GET /");
  expect_behind(data, behind(data.data(header + "GET /"), local));
  const auto answer = reply(local).ack();
  const auto seen = static_cast<std::uint32_t>(0x01020305 + 5);
  EXPECT_EQ(send(answer.acknowledges(seen + static_cast<std::uint32_t>(header.size()))),
            transmitted(before(answer.acknowledges(seen), request)));
}

TEST_P(Nat64, PortsComeBack) {
  for (unsigned number = 0; number < 100; ++number) open(from_client(number).syn());
  EXPECT_EQ(path().ports_in_use(), 100U);
  path().sweep(1000);
  EXPECT_EQ(path().ports_in_use(), 0U);
}

// The test's IPv6 packets and IPv4 ones have the same number as fragments (RFC 7915, 4.1 and 5.1).
TEST_P(Nat64, FragmentsOfAQuestionAreTranslated) {
  const auto local = open(query());
  const auto whole = query().data("a fragment of 24 bytes..");
  for (const auto& piece : {whole.fragment(0, true), whole.fragment(32, true), whole.fragment(64, false)}) {
    EXPECT_EQ(send(piece), transmitted(behind(piece, local).identification(0x4242, false)));
  }
}

TEST_P(Nat64, FragmentsOfAnAnswerAreTranslated) {
  const auto local = open(query());
  const auto whole = answer_udp(local).data("a fragment of 24 bytes..").identification(0x4242, false);
  for (const auto& piece : {whole.fragment(0, true), whole.fragment(32, true), whole.fragment(64, false)}) {
    EXPECT_EQ(send(piece), transmitted(before(piece, query())));
  }
}

TEST_P(Nat64, AFragmentedAnswerWithoutAChecksumCannotGetOne) {
  const auto local = open(query());
  EXPECT_EQ(send(answer_udp(local).data("a fragment of 24 bytes..").unsummed().fragment(0, true)), dropped("fragment"));
}

INSTANTIATE_TEST_SUITE_P(, Nat64, ::testing::Values(net::Family::ipv6), family_name);

}  // namespace
}  // namespace ballast::packet
