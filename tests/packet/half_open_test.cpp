// Nobody who only knocks can push out who is inside: only half-open connections, and those that are closing, give way.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class HalfOpen : public Scenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.connections = 1024}; }
  void nat() { have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp)}); }

  [[nodiscard]] Packet stranger(unsigned number) const { return tcp(client(40000, 0x100 + number % 0xfe00), vip()); }
  [[nodiscard]] bool is_established(const Packet& packet) { return path().connection(packet)->proved; }
};

TEST_P(HalfOpen, NatIsProvedByTheHandshake) {
  nat();
  send(from_client().syn());
  EXPECT_FALSE(is_established(from_client()));
  send(answer(from_client().syn().ack(), 1));
  EXPECT_FALSE(is_established(from_client()));
  send(from_client().ack());
  EXPECT_TRUE(is_established(from_client()));
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(HalfOpen, DrIsProvedByTheAcknowledgement) {
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  send(from_client().syn());
  EXPECT_FALSE(is_established(from_client()));
  send(from_client().ack());
  EXPECT_TRUE(is_established(from_client()));
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(HalfOpen, UdpIsProvedByTheSecondPacket) {
  nat();
  send(query());
  EXPECT_FALSE(is_established(query()));
  send(query());
  EXPECT_TRUE(is_established(query()));
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(HalfOpen, UdpIsProvedByTheAnswer) {
  nat();
  send(query());
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_TRUE(is_established(query()));
  EXPECT_EQ(send(answer(query(), 1)), transmitted(to_client(answer(query(), 1), vip())));
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 1)));
  EXPECT_EQ(path().entries(), 1U);
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
  EXPECT_EQ(path().drops("table_full"), 0U);
  EXPECT_GT(path().events("evicted_half_open"), 90000U);
  EXPECT_EQ(path().total_load(), (Load{1, static_cast<std::uint32_t>(path().entries()) - 1}));
}

TEST_P(HalfOpen, SynAndResetOrFinFromManySourcesFillNothing) {
  nat();
  for (unsigned number = 0; number < 5000; ++number) {
    path().replay(stranger(number).syn().bytes());
    path().replay((number % 2 == 0 ? stranger(number).rst() : stranger(number).fin()).bytes());
  }
  EXPECT_EQ(path().drops("table_full"), 0U);
  establish_nat(from_client(), 1);
}

TEST_P(HalfOpen, ALateSynDoesNotMakeAnEstablishedConnectionEvictable) {
  nat();
  establish_nat(from_client(), 1);
  send(from_client().syn());
  for (unsigned number = 0; number < 3000; ++number) path().replay(stranger(number).syn().bytes());
  EXPECT_EQ(send(answer(from_client().ack(), 1)), transmitted(to_client(answer(from_client().ack(), 1), vip())));
}

TEST_P(HalfOpen, AClosingConnectionGivesWayOnlyWhereNoHalfOpenOneDoes) {
  nat();
  establish_nat(from_client(), 1);
  send(from_client().fin().ack());
  send(answer(from_client().fin().ack(), 1));
  for (unsigned number = 0; number < 20000; ++number) path().replay(stranger(number).syn().bytes());
  EXPECT_EQ(path().connection(from_client())->state, "TIME_WAIT");
  EXPECT_EQ(path().events("evicted_closing"), 0U);
}

TEST_P(HalfOpen, ATableFullOfEstablishedConnectionsRefusesNewOnesAndKeepsThose) {
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  std::vector<unsigned> inside;
  for (unsigned number = 0; number < 9000; ++number) {
    if (path().replay(stranger(number).syn().bytes()) != Verdict::transmit) continue;
    path().replay(stranger(number).ack().bytes());
    inside.push_back(number);
  }
  EXPECT_GT(inside.size(), 2900U) << "three lines a connection, and nearly all can be used";
  EXPECT_EQ(inside.size() + path().drops("table_full"), 9000U);
  EXPECT_EQ(path().total_load(), (Load{static_cast<std::uint32_t>(inside.size()), 0}));
  for (const auto number : inside) ASSERT_EQ(path().replay(stranger(number).ack().bytes()), Verdict::transmit);
}

TEST_P(HalfOpen, TheConfiguredNumberOfConnectionsHasRoom) {
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  for (unsigned number = 0; number < 1024; ++number) {
    ASSERT_EQ(path().replay(stranger(number).syn().bytes()), Verdict::transmit);
    path().replay(stranger(number).ack().bytes());
  }
  EXPECT_EQ(path().total_load(), (Load{1024, 0}));
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
