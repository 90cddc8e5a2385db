// Every drop is counted under the name of its reason.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Drops : public Scenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.connections = 16}; }
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp),
          service(vip(81), {server(2, 1, Method::dr, 81)})});
  }
  [[nodiscard]] Packet direct(unsigned number = 0) const { return tcp(client(40000 + number), vip(81)); }
};

TEST_P(Drops, Truncated) {
  auto frame = from_client().syn().bytes();
  frame.pop_back();
  EXPECT_EQ(path().send(frame), dropped("truncated"));
}

TEST_P(Drops, FragmentsBeforeTheirFirst) {
  for (const auto& whole : {from_client().syn().data("12345678"), query().data("12345678")}) {
    EXPECT_EQ(send(whole.fragment(1480, true)), dropped("fragment"));
    EXPECT_EQ(send(whole.fragment(2960, false)), dropped("fragment"));
  }
}

TEST_P(Drops, NoFragmentsOfWhatIsNotForwarded) {
  const auto echo = ping(client().address, vip().address).data("a long one").fragment(0, true);
  EXPECT_EQ(send(echo), passed(echo));
  const auto elsewhere = udp(client(), vip(80, 11)).fragment(0, true);
  EXPECT_EQ(send(elsewhere), passed(elsewhere));
  const auto from_server = udp(real(1, 50000), client()).fragment(0, true);
  EXPECT_EQ(send(from_server), passed(from_server));
}

TEST_P(Drops, NoServer) {
  have(service(vip(), {server(1, 0)}));
  EXPECT_EQ(send(from_client().syn()), dropped("no_server"));
}

TEST_P(Drops, NoConnection) { EXPECT_EQ(send(from_client().ack()), dropped("no_connection")); }

TEST_P(Drops, ServerGone) {
  establish_nat(from_client(), 1);
  have(service(vip(), {server(3)}));
  EXPECT_EQ(send(from_client().ack()), dropped("server_gone"));
}

TEST_P(Drops, UnreachableUntilTheServersMacAddressIsKnown) {
  unreachable = {real(1).address, real(2).address};
  apply();
  EXPECT_EQ(send(from_client().syn()), dropped("unreachable"));
  EXPECT_EQ(send(direct().syn()), dropped("unreachable"));
  EXPECT_EQ(path().stats(name(1)).packets_in, 0U);
  EXPECT_EQ(path().entries(), 0U);
  unreachable.clear();
  apply();
  establish_nat(from_client(), 1);
  establish_dr(direct(), 2);
}

TEST_P(Drops, UnreachableInTheMiddleOfAConnection) {
  establish_nat(from_client(), 1);
  unreachable = {real(1).address};
  apply();
  EXPECT_EQ(send(from_client().ack()), dropped("unreachable"));
  unreachable.clear();
  apply();
  EXPECT_EQ(send(from_client().ack()), transmitted(to_server(from_client().ack(), 1)));
}

TEST_P(Drops, TableFull) {
  unsigned number = 0;
  while (path().drops("table_full") == 0 && number < 1000) {
    path().replay(direct(number).syn().bytes());
    path().replay(direct(number++).ack().bytes());
  }
  EXPECT_EQ(send(direct(number - 1).syn()), dropped("table_full"));
  EXPECT_EQ(path().connection(direct(number - 1)), std::nullopt);
  EXPECT_EQ(path().load(name(2, 81)), (Load{number - 1, 0}));
}

TEST_P(Drops, Ttl) {
  for (const unsigned ttl : {0, 1}) EXPECT_EQ(send(from_client().syn().ttl(ttl)), dropped("ttl"));
  EXPECT_EQ(send(query().ttl(1)), dropped("ttl"));
  establish_nat(from_client(), 1);
  EXPECT_EQ(send(from_client().ack().ttl(1)), dropped("ttl"));
  EXPECT_EQ(send(answer(from_client().ack().ttl(1), 1)), dropped("ttl"));
  const auto last = from_client().ack().ttl(2);
  EXPECT_EQ(send(last), transmitted(to_server(last, 1))) << "1 is left";
}

TEST_P(Drops, TupleTaken) {
  have({service(vip(), {server(1)}), service(vip(80, 11), {server(1)})});
  send(from_client().syn());
  EXPECT_EQ(send(from_client().to(vip(80, 11)).syn()), dropped("tuple_taken"));
}

BALLAST_BOTH_FAMILIES(Drops);

}  // namespace
}  // namespace ballast::packet
