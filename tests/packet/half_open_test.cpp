// Half-open connections have a table of their own, so that nobody who only knocks can push out who is inside.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class HalfOpen : public Scenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.flows = 4096, .half_open = 1024, .fresh = true}; }
  void nat() { have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp)}); }

  [[nodiscard]] Packet stranger(unsigned number) const { return tcp(client(40000, 0x100 + number % 0xfe00), vip()); }
  [[nodiscard]] bool is_established(const Packet& packet) { return path().connection(packet)->established_table; }
};

TEST_P(HalfOpen, NatMovesWhenTheHandshakeIsDone) {
  nat();
  send(from_client().syn());
  EXPECT_FALSE(is_established(from_client()));
  send(answer(from_client().syn().ack(), 1));
  EXPECT_FALSE(is_established(from_client()));
  send(from_client().ack());
  EXPECT_TRUE(is_established(from_client()));
  EXPECT_EQ(path().entries(), 2U);
}

TEST_P(HalfOpen, DrMovesWithTheAcknowledgement) {
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  send(from_client().syn());
  EXPECT_FALSE(is_established(from_client()));
  send(from_client().ack());
  EXPECT_TRUE(is_established(from_client()));
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(HalfOpen, UdpMovesWithTheSecondPacket) {
  nat();
  send(query());
  EXPECT_FALSE(is_established(query()));
  send(query());
  EXPECT_TRUE(is_established(query()));
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_EQ(path().entries(), 2U);
}

TEST_P(HalfOpen, UdpMovesWithTheAnswer) {
  nat();
  send(query());
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_TRUE(is_established(query()));
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 1)));
  EXPECT_EQ(path().entries(), 2U);
}

TEST_P(HalfOpen, AFloodOf100000SourcesTouchesNoEstablishedConnection) {
  nat();
  establish_nat(from_client(), 1);
  send(query());
  send(query());
  for (unsigned number = 0; number < 100000; ++number) {
    const auto packet = number % 2 == 0 ? tcp(client(number / 0xfe00 + 1000, number % 0xfe00), vip()).syn()
                                        : udp(client(number / 0xfe00 + 1000, number % 0xfe00), vip());
    ASSERT_EQ(path().replay(packet.bytes()), Verdict::transmit);
  }
  EXPECT_EQ(send(from_client().ack()), transmitted(to_server(from_client().ack(), 1)));
  EXPECT_EQ(send(answer(from_client().ack(), 1)), transmitted(to_client(answer(from_client().ack(), 1), vip())));
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_LE(path().entries(), 4U + 1024U);
  EXPECT_EQ(path().drops("table_full"), 0U);
}

TEST_P(HalfOpen, SynAndResetOrFinFromManySourcesFillNothing) {
  nat();
  for (unsigned number = 0; number < 5000; ++number) {
    path().replay(stranger(number).syn().bytes());
    path().replay((number % 2 == 0 ? stranger(number).rst() : stranger(number).fin()).bytes());
  }
  EXPECT_EQ(path().drops("table_full"), 0U);
  establish_nat(from_client(), 1);
  EXPECT_LE(path().entries(), 2U + 1024U);
}

TEST_P(HalfOpen, ALateSynDoesNotMakeAnEstablishedConnectionEvictable) {
  nat();
  establish_nat(from_client(), 1);
  send(from_client().syn());
  for (unsigned number = 0; number < 3000; ++number) path().replay(stranger(number).syn().bytes());
  EXPECT_EQ(send(answer(from_client().ack(), 1)), transmitted(to_client(answer(from_client().ack(), 1), vip())));
}

TEST_P(HalfOpen, AConnectionWhoseReplyEntryWasEvictedIsWholeAgainWhenEstablished) {
  nat();
  send(from_client().syn());
  send(answer(from_client().syn().ack(), 1));
  path().forget(tcp(real(1), client()));
  send(from_client().ack());
  EXPECT_EQ(send(answer(from_client().ack(), 1)), transmitted(to_client(answer(from_client().ack(), 1), vip())));
}

TEST_P(HalfOpen, AnEvictedConnectionStartsAnewWithTheNextSyn) {
  nat();
  send(from_client().syn());
  path().forget(from_client());
  EXPECT_EQ(send(from_client().ack()), dropped("no_connection"));
  establish_nat(from_client(), 1);
}

BALLAST_BOTH_FAMILIES(HalfOpen);

}  // namespace
}  // namespace ballast::packet
