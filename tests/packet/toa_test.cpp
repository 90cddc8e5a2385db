// FNAT with TOA: the client's address and port in a TCP option, until the server has shown that it got it.
#include <random>

#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

class Toa : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have(full_nat(ClientAddress::toa));
  }
  [[nodiscard]] Bytes option() const { return toa(client()); }
  [[nodiscard]] unsigned option_size() const { return is_v6() ? 20 : 8; }
  /// A client's packet as the server gets it, with the option before its own.
  [[nodiscard]] Packet told(const Packet& request, const net::Endpoint& local) const {
    return behind(request.options(option() + request.options()), local);
  }
  net::Endpoint shake_hands() {
    const auto local = open(from_client().syn());
    send(reply(local).syn().ack());
    EXPECT_EQ(send(from_client().ack()), transmitted(told(from_client().ack(), local)));
    return local;
  }
};

TEST_P(Toa, NotOnTheSynAndOnTheAckThatEndsTheHandshake) {
  const auto outcome = send(from_client().syn());
  const auto local = sender(outcome.frame);
  EXPECT_EQ(outcome, transmitted(behind(from_client().syn(), local)));
  send(reply(local).syn().ack());
  EXPECT_EQ(send(from_client().ack()), transmitted(told(from_client().ack(), local)));
}

TEST_P(Toa, OnDataOfEveryLength) {
  const auto local = shake_hands();
  for (const auto* text : {"a", "ab", "abc", "GET / HTTP/1.1\r\nHost: example\r\n\r\n"}) {
    const auto request = from_client().ack().data(text);
    EXPECT_EQ(send(request), transmitted(told(request, local)));
  }
  EXPECT_EQ(send(from_client().ack().fin()), transmitted(told(from_client().ack().fin(), local)));
}

TEST_P(Toa, BeforeTheClientsOwnOptions) {
  const auto local = shake_hands();
  for (const auto& own : {nops(2) + timestamps(), nops(4), nops(2) + sack({1, 2})}) {
    const auto request = from_client().ack().options(own).data("GET /");
    EXPECT_EQ(send(request), transmitted(told(request, local)));
  }
}

TEST_P(Toa, NoMoreOnceTheServerHasSentData) {
  const auto local = shake_hands();
  send(reply(local).ack());
  EXPECT_EQ(send(from_client().ack().data("a")), transmitted(told(from_client().ack().data("a"), local)))
      << "a bare ACK proves nothing";
  send(reply(local).ack().data("220 mail.example\r\n"));
  const auto request = from_client().ack().data("HELO client\r\n");
  EXPECT_EQ(send(request), transmitted(behind(request, local)));
  EXPECT_EQ(path().events("toa_left_out"), 0U);
}

TEST_P(Toa, NoMoreOnceTheServerHasClosed) {
  const auto local = shake_hands();
  send(reply(local).ack().fin());
  EXPECT_EQ(send(from_client().ack()), transmitted(behind(from_client().ack(), local)));
}

TEST_P(Toa, DataBeforeTheHandshakeIsOverProvesNothing) {
  const auto local = open(from_client().syn());
  send(reply(local).syn().ack());
  send(reply(local).ack().data("too early"));
  EXPECT_EQ(send(from_client().ack()), transmitted(told(from_client().ack(), local)));
}

TEST_P(Toa, NotOnAReset) {
  const auto local = shake_hands();
  EXPECT_EQ(send(from_client().rst()), transmitted(behind(from_client().rst(), local)));
}

TEST_P(Toa, AClientsOwnIsOverwritten) {
  const auto forged = toa(endpoint(is_v6() ? "[2001:db8:bad::1]:1" : "192.0.2.66:1"));
  const auto wiped = nops(static_cast<unsigned>(forged.size()));
  const auto local = open(from_client().syn().options(mss(1460) + forged));
  EXPECT_EQ(send(from_client().syn().options(mss(1460) + forged)),
            transmitted(behind(from_client().syn().options(mss(1460) + wiped), local)));
  send(reply(local).syn().ack());
  const auto request = from_client().ack().data("GET /");
  EXPECT_EQ(send(request.options(forged)), transmitted(told(request.options(wiped), local)));
  send(reply(local).ack().data("200 OK"));
  EXPECT_EQ(send(request.options(forged)), transmitted(behind(request.options(wiped), local)));
  EXPECT_EQ(send(request.options(nops(1) + forged + nops(3))),
            transmitted(behind(request.options(nops(4) + wiped), local)))
      << "at an odd place";
}

TEST_P(Toa, NeitherIsFastOpenOfferedAsTheServerWouldAnswerBeforeItKnows) {
  const Bytes cookie{34, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto syn = from_client().syn();
  const auto local = open(syn.options(mss(1460) + cookie + nops(2)));
  EXPECT_EQ(send(syn.options(mss(1460) + cookie + nops(2))),
            transmitted(behind(syn.options(mss(1460) + nops(12)), local)));
}

TEST_P(Toa, BrokenOptionsStayAsTheyAre) {
  const auto local = shake_hands();
  for (const auto& broken : {Bytes{254, 0, 0, 0}, Bytes{254, 40, 0, 0}, Bytes{1, 1, 1, 254}, Bytes{0, 254, 8, 0}}) {
    const auto request = from_client().ack().options(broken);
    EXPECT_EQ(send(request), transmitted(told(request, local)));
  }
}

TEST_P(Toa, OptionsOfNoiseNeverBreakAChecksumOrALength) {
  std::mt19937 random{254};
  constexpr std::uint8_t kinds[] = {0, 1, 2, 5, 8, 34, 254, 254};
  const auto local = shake_hands();
  for (unsigned round = 0; round < 3000; ++round) {
    Bytes options(4 * (random() % 11));
    for (auto& byte : options) {
      byte = random() % 2 == 0 ? kinds[random() % std::size(kinds)] : static_cast<std::uint8_t>(random() % 12);
    }
    for (const auto& packet :
         {from_client().ack().options(options).data("GET /"), from_client().syn().options(options)}) {
      const auto outcome = send(packet);  // which checks the checksums
      ASSERT_EQ(outcome.verdict, Verdict::transmit);
      const auto grown = outcome.frame.size() - packet.bytes().size();
      ASSERT_TRUE(grown == 0 || grown == option_size()) << describe(packet.bytes());
    }
    const auto answer = reply(local).syn().ack().options(options);
    ASSERT_EQ(send(answer).frame.size(), answer.bytes().size());
  }
}

TEST_P(Toa, WithoutRoomAmongTheOptionsItIsLeftOutAndCounted) {
  const auto local = shake_hands();
  const auto fits = from_client().ack().options(nops(40 - option_size()));
  EXPECT_EQ(send(fits), transmitted(told(fits, local)));
  EXPECT_EQ(path().events("toa_left_out"), 0U);
  const auto full = from_client().ack().options(nops(40 - option_size() + 4));
  EXPECT_EQ(send(full), transmitted(behind(full, local)));
  EXPECT_EQ(path().events("toa_left_out"), 1U);
}

TEST_P(Toa, WithoutRoomInTheMtuItIsLeftOutAndCounted) {
  mtu = 1500;
  apply();
  const auto local = shake_hands();
  const unsigned headers = is_v6() ? 60 : 40;
  const auto fits = from_client().ack().data(std::string(1500 - headers - option_size(), 'x'));
  EXPECT_EQ(send(fits), transmitted(told(fits, local)));
  const auto full = from_client().ack().data(std::string(1500 - headers - option_size() + 1, 'x'));
  EXPECT_EQ(send(full), transmitted(behind(full, local)));
  EXPECT_EQ(path().events("toa_left_out"), 1U);
}

TEST_P(Toa, TheMssLeavesRoomForIt) {
  const auto request = from_client();
  const auto local = open(request.syn().options(mss(1400)));
  EXPECT_EQ(send(request.syn().options(mss(1400))), transmitted(behind(request.syn().options(mss(1400)), local)))
      << "the server's segments do not grow";
  const auto accepted = reply(local).syn().ack();
  EXPECT_EQ(send(accepted.options(mss(1460) + nops(4))),
            transmitted(before(accepted.options(mss(1460 - option_size()) + nops(4)), request)));
  EXPECT_EQ(send(accepted.options(nops(1) + mss(1460) + nops(3))),
            transmitted(before(accepted.options(nops(1) + mss(1460 - option_size()) + nops(3)), request)))
      << "at an odd place";
  EXPECT_EQ(send(accepted), transmitted(before(accepted, request))) << "without one there is nothing to change";
}

TEST_P(Toa, WithIpHeadersLongerThanUsual) {
  const auto local = shake_hands();
  const auto plain = from_client().ack().data("GET /");
  const auto request = is_v6() ? plain.ipv6_options() : plain.ip_options(7);
  EXPECT_EQ(send(request), transmitted(told(request, local)));
  EXPECT_EQ(send(plain.vlan(9)), transmitted(told(plain, local)));
}

TEST_P(Toa, EthernetPaddingIsKeptAndNotSummed) {
  const auto local = shake_hands();
  auto frame = from_client().ack().bytes();
  auto expected = told(from_client().ack(), local).bytes();
  for (auto* bytes : {&frame, &expected}) bytes->insert(bytes->end(), 6, 0xee);
  EXPECT_EQ(path().send(frame), (Outcome{Verdict::transmit, "", expected}));
}

TEST_P(Toa, AWrongChecksumStaysWrong) {
  shake_hands();
  auto frame = from_client().ack().data("broken on the way").bytes();
  frame.back() ^= 1;
  EXPECT_EQ(checksum_fault(path().send(frame).frame), "layer 4 checksum");
}

TEST_P(Toa, ChecksumsStayRightForAnyClient) {
  for (unsigned number = 0; number < 500; ++number) {
    const auto request = tcp(client(1024 + 101 * number, number + 1), vip());
    const auto local = open(request.syn());
    send(reply(local).syn().ack());
    const auto last = request.ack().data(std::string(number % 9, static_cast<char>(number)));
    ASSERT_EQ(send(last), transmitted(behind(last.options(toa(request.source())), local)));
  }
}

BALLAST_BOTH_FAMILIES(Toa);

}  // namespace
}  // namespace ballast::packet
