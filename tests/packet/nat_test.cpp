// NAT: the server gets the packet at its own address and port, and the client an answer from the VIP.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Nat : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp)});
  }
};

TEST_P(Nat, ARequestGetsTheServersAddressAndPortAndIsOneHopFurther) {
  EXPECT_EQ(send(from_client().syn()),
            transmitted(tcp(client(), real(1)).syn().ttl(63).via(balancer_mac, real_mac(1))));
}

TEST_P(Nat, AnAnswerComesFromTheVipAndGoesTheWayTheRequestCame) {
  send(from_client().syn());
  EXPECT_EQ(send(tcp(real(1), client()).syn().ack().via(real_mac(1), balancer_mac)),
            transmitted(tcp(vip(), client()).syn().ack().ttl(63).via(balancer_mac, client_mac)));
}

TEST_P(Nat, AWholeTcpConnectionGoesThrough) {
  establish_nat(from_client(), 1);
  const auto request = from_client().ack().data("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(send(request), transmitted(to_server(request, 1)));
  for (const auto* text : {"HTTP/1.1 200 OK\r\n\r\n", "a", "an odd one", ""}) {
    const auto response = answer(from_client().ack().data(text), 1);
    EXPECT_EQ(send(response), transmitted(to_client(response, vip())));
  }
}

TEST_P(Nat, UdpBothWays) {
  for (const auto* text : {"", "a", "ab", "a question", "another question!"}) {
    EXPECT_EQ(send(query().data(text)), transmitted(to_server(query().data(text), 1)));
    const auto response = answer(query().data(text), 1);
    EXPECT_EQ(send(response), transmitted(to_client(response, vip())));
  }
}

TEST_P(Nat, TcpAndUdpOfOneClientPortAreTwoConnections) {
  establish_nat(from_client(), 1);
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 1)));
  EXPECT_EQ(path().connection(from_client())->state, "ESTABLISHED");
  EXPECT_EQ(path().connection(query())->state, "UDP");
}

TEST_P(Nat, ChecksumsStayRightForAnyBytesAndPorts) {
  // Every carry and the all-ones corner of one's complement come up in so many.
  for (std::uint16_t number = 0; number < 1500; ++number) {
    const auto request =
        udp(client(1024 + 43 * number), vip()).data({reinterpret_cast<const char*>(&number), sizeof number});
    ASSERT_EQ(send(request), transmitted(to_server(request, 1)));
    const auto response = answer(request, 1);
    ASSERT_EQ(send(response), transmitted(to_client(response, vip())));
  }
}

TEST_P(Nat, AUdpChecksumThatComesOutAsZeroIsSentAsOnes) {
  unsigned corners = 0;
  for (unsigned word = 0; word < 65536; ++word) {
    const auto bytes = static_cast<std::uint16_t>(word);
    const auto request = query().data({reinterpret_cast<const char*>(&bytes), sizeof bytes});
    const auto expected = to_server(request, 1);
    const auto frame = expected.bytes();
    const auto check = frame.size() - sizeof bytes - 2;
    if (frame[check] != 0xff || frame[check + 1] != 0xff) continue;
    ++corners;
    EXPECT_EQ(send(request), transmitted(expected));
  }
  EXPECT_GT(corners, 0U);
}

TEST_P(Nat, AUdpPacketWithoutAChecksumStaysWithoutOneOverIpv4) {
  if (is_v6()) return;  // where it is not allowed
  const auto request = query().unsummed().data("anything");
  EXPECT_EQ(send(request), transmitted(to_server(request, 1)));
  const auto response = answer(query().unsummed().data("whatever"), 1);
  EXPECT_EQ(send(response), transmitted(to_client(response, vip())));
}

TEST_P(Nat, AWrongChecksumStaysWrong) {
  auto frame = from_client().syn().data("broken on the way").bytes();
  frame.back() ^= 1;
  const auto outcome = path().send(frame);
  EXPECT_EQ(outcome.verdict, Verdict::transmit);
  EXPECT_EQ(checksum_fault(outcome.frame), "layer 4 checksum") << "the server could not know that it was broken";
}

TEST_P(Nat, Ipv4OptionsAreKept) {
  if (is_v6()) return;
  for (const unsigned words : {1U, 5U, 10U}) {
    const auto request = from_client(words).ip_options(words).syn();
    EXPECT_EQ(send(request), transmitted(to_server(request, 1)));
    const auto response = answer(request, 1).ack();
    EXPECT_EQ(send(response), transmitted(to_client(response, vip())));
  }
}

TEST_P(Nat, EthernetPaddingIsKeptAndNotSummed) {
  auto frame = from_client().syn().bytes();
  auto expected = to_server(from_client().syn(), 1).bytes();
  for (auto* bytes : {&frame, &expected}) bytes->insert(bytes->end(), 6, 0xee);
  EXPECT_EQ(path().send(frame), (Outcome{Verdict::transmit, "", expected}));
}

TEST_P(Nat, AnAnswerGoesOutOfTheInterfaceThatTheRequestCameBy) {
  interface = 2;
  apply();
  EXPECT_EQ(send(from_client().syn()), redirected(to_server(from_client().syn(), 1)));
  const auto response = answer(from_client().syn().ack(), 1);
  EXPECT_EQ(send(response), transmitted(to_client(response, vip())));
}

TEST_P(Nat, PacketsAndBytesAreCountedBothWays) {
  establish_nat(from_client(), 1);
  const auto request = from_client().ack().data("GET /");
  const auto response = answer(from_client().ack().data("200 OK, and more"), 1);
  send(request);
  send(response);
  const auto stats = path().stats(name(1));
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_EQ(stats.packets_in, 3U);
  EXPECT_EQ(stats.bytes_in, 2 * from_client().ip_bytes() + request.ip_bytes());
  EXPECT_EQ(stats.packets_out, 2U);
  EXPECT_EQ(stats.bytes_out, from_client().ip_bytes() + response.ip_bytes());
}

BALLAST_BOTH_FAMILIES(Nat);

}  // namespace
}  // namespace ballast::packet
