// Servers that drain, fail, leave and return, and what becomes of their connections.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Servers : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have(service(vip(), {server(1), server(2)}));
  }
  void servers(std::vector<DesiredServer> now) {
    desired.services[0].servers = std::move(now);
    apply();
  }
  void udp_servers(std::vector<DesiredServer> now) {
    have(service(vip(), std::move(now), Scheduler::rr, Protocol::udp));
  }
  void expect_alive(const Packet& request, unsigned number) {
    const auto data = request.ack().data("more");
    EXPECT_EQ(send(data), transmitted(to_server(data, number)));
    EXPECT_EQ(send(answer(data, number)), transmitted(to_client(answer(data, number), vip())));
  }
};

TEST_P(Servers, ADrainedServerKeepsItsConnectionsAndGetsNoNewOnes) {
  establish_nat(from_client(), 1);
  servers({server(1, 0), server(2)});
  expect_alive(from_client(), 1);
  for (unsigned number = 1; number < 5; ++number) establish_nat(from_client(number), 2);
  EXPECT_EQ(path().load(name(1)), (Load{1, 0}));
}

TEST_P(Servers, AHandshakeThatBeganBeforeTheDrainIsFinished) {
  send(from_client().syn());
  servers({server(1, 0), server(2)});
  establish_nat(from_client(), 1);
}

TEST_P(Servers, AFailedServerKeepsEstablishedConnectionsWhereAsked) {
  establish_nat(from_client(), 1);
  servers({down(server(1), true), server(2)});
  expect_alive(from_client(), 1);
  establish_nat(from_client(1), 2);
  establish_nat(from_client(2), 2);
}

TEST_P(Servers, AHandshakeWithAServerThatFailedGoesElsewhereAtTheNextSyn) {
  send(from_client().syn());
  servers({down(server(1), true), server(2)});
  establish_nat(from_client(), 2);
  EXPECT_EQ(path().load(name(1)), Load{});
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(Servers, AFailedServersConnectionsAreDroppedAndScheduledAnewWhereAsked) {
  establish_nat(from_client(), 1);
  servers({down(server(1), false), server(2)});
  EXPECT_EQ(send(from_client().ack()), dropped("server_gone"));
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
  EXPECT_EQ(send(from_client().ack()), dropped("no_connection"));
  establish_nat(from_client(), 2);
}

TEST_P(Servers, AFailedServersUdpGoesElsewhereAtOnce) {
  udp_servers({server(1), server(2)});
  send(query());
  send(query());
  udp_servers({down(server(1), false), server(2)});
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 2)));
  EXPECT_EQ(path().load(name(1)), Load{});
  EXPECT_EQ(path().load(name(2)), (Load{0, 1}));
}

TEST_P(Servers, AFailedServersUdpStaysWhereItsFailureIsInhibited) {
  udp_servers({server(1), server(2)});
  send(query());
  udp_servers({down(server(1), true), server(2)});
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 1)));
}

TEST_P(Servers, AServerThatReturnsTakesItsConnectionsUpAgain) {
  establish_nat(from_client(), 1);
  servers({down(server(1), false), server(2)});
  servers({server(1), server(2)});
  expect_alive(from_client(), 1);
}

TEST_P(Servers, ARemovedServersConnectionsEnd) {
  establish_nat(from_client(), 1);
  servers({server(2)});
  EXPECT_EQ(send(from_client().ack()), dropped("server_gone"));
  EXPECT_EQ(path().total_load(), Load{});
  establish_nat(from_client(), 2);
}

TEST_P(Servers, ARemovedServersUdpGoesElsewhereAtOnce) {
  udp_servers({server(1), server(2)});
  send(query());
  send(query());
  udp_servers({server(2)});
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 2)));
  EXPECT_EQ(path().total_load(), (Load{0, 1}));
}

TEST_P(Servers, ARemovedServersLateAnswersDoNotReachTheClient) {
  have({service(vip(), {server(1), server(2)}), service(vip(81), {server(1, 1, Method::nat, 8081)})});
  establish_nat(from_client(), 1);
  servers({server(2)});
  EXPECT_EQ(send(answer(from_client().ack(), 1)), dropped("server_gone"))
      << "from its own address it would mean nothing";
}

TEST_P(Servers, AnIndexThatAnotherServerGotNeverBringsItTheOldOnesPackets) {
  establish_nat(from_client(), 1);
  send(from_client(2).syn());
  const auto index = path().index_of(name(1));
  servers({server(2)});
  servers({server(2), server(3)});
  ASSERT_EQ(path().index_of(name(3)), index);
  EXPECT_EQ(send(from_client().ack()), dropped("server_gone"));
  EXPECT_EQ(path().load(name(3)), Load{}) << "the old one's connections are not its own";
  const auto tuple = answer(from_client(2).syn().ack(), 3);
  EXPECT_EQ(send(tuple), passed(tuple));
  path().sweep(0);
  EXPECT_EQ(path().load(name(3)), Load{});
  EXPECT_EQ(path().census(name(3)), Load{});
}

TEST_P(Servers, TheSameServerRemovedAndAddedAgainStartsAnew) {
  establish_nat(from_client(), 1);
  servers({server(2)});
  servers({server(1), server(2)});
  EXPECT_EQ(send(from_client().ack()), dropped("server_gone"));
  EXPECT_EQ(path().total_load(), Load{});
  EXPECT_EQ(path().stats(name(1)).connections, 0U);
}

TEST_P(Servers, AServersNewMethodIsForNewConnections) {
  have(service(vip(), {server(1, 1, Method::nat, 80)}));
  send(from_client().syn());
  servers({server(1, 1, Method::dr, 80)});
  establish_dr(from_client(1), 1);
  const auto accepted = answer(from_client(), 1, 80).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(to_client(accepted, vip())));
  servers({server(1, 1, Method::nat, 80)});
  const auto data = from_client().ack().data("more");
  EXPECT_EQ(send(data), transmitted(to_server(data, 1, 80)));
  const auto direct = from_client(1).ack().data("more");
  EXPECT_EQ(send(direct), transmitted(direct.via(balancer_mac, real_mac(1))));
  servers({server(2)});
  EXPECT_EQ(send(data), dropped("server_gone"));
  EXPECT_EQ(send(direct), dropped("server_gone"));
}

TEST_P(Servers, AFormerMethodIsForgottenWithItsLastConnection) {
  have(service(vip(), {server(1, 1, Method::nat, 80)}));
  send(from_client().syn());
  servers({server(1, 1, Method::dr, 80)});
  EXPECT_EQ(path().plan().services.at("tcp:" + vip().to_string()).former.size(), 1U);
  send(from_client().rst());
  path().sweep(60);
  apply();
  EXPECT_TRUE(path().plan().services.at("tcp:" + vip().to_string()).former.empty());
  const auto late = answer(from_client().ack(), 1, 80);
  EXPECT_EQ(send(late), passed(late)) << "it is no answer of NAT any more";
}

TEST_P(Servers, TheSorryServerTakesOverAndGivesBack) {
  establish_nat(from_client(), 1);
  const auto sorry = server(9, 1, Method::dr, 80);
  servers({down(server(1), true), down(server(2), true), sorry});
  establish_dr(from_client(1), 9);
  expect_alive(from_client(), 1);
  servers({server(1), server(2)});
  EXPECT_EQ(send(from_client(1).ack()), dropped("server_gone"));
  EXPECT_EQ(send(from_client(2).syn()).verdict, Verdict::transmit);
  EXPECT_THAT(path().server_of(from_client(2)), ::testing::AnyOf(name(1), name(2)));
}

TEST_P(Servers, ADifferentWayToAServerIsUsedByItsConnectionsAtOnce) {
  establish_nat(from_client(), 1);
  interface = 2;
  apply();
  EXPECT_EQ(send(from_client().ack()), redirected(to_server(from_client().ack(), 1)));
}

TEST_P(Servers, AnUnchangedReloadDisturbsNothing) {
  establish_nat(from_client(), 1);
  apply();
  EXPECT_TRUE(path().plan().changes.empty());
  expect_alive(from_client(), 1);
}

BALLAST_BOTH_FAMILIES(Servers);

}  // namespace
}  // namespace ballast::packet
