// TCP states, named as IPVS's tools name them: with NAT from the server's side, with DR by what the client sends alone.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class States : public Scenario {
 protected:
  void nat() { have(service(vip(), {server(1)})); }
  void dr() { have(service(vip(), {server(1, 1, Method::dr, 80)})); }

  void client_sends(const Packet& packet, const std::string& state) {
    EXPECT_EQ(send(packet).verdict, Verdict::transmit);
    EXPECT_EQ(path().connection(from_client())->state, state) << "after the client's " << describe(packet.bytes());
  }
  void server_sends(const Packet& packet, const std::string& state) {
    const auto from_server = answer(packet, 1);
    EXPECT_EQ(send(from_server).verdict, Verdict::transmit);
    EXPECT_EQ(path().connection(from_client())->state, state) << "after the server's " << describe(from_server.bytes());
  }
  Load load(unsigned port = 8080) { return path().load(name(1, port)); }

  const Load one_active{1, 0};
  const Load one_inactive{0, 1};
};

TEST_P(States, NatFromHandshakeToTheClientsClose) {
  nat();
  client_sends(from_client().syn(), "SYN_RECV");
  EXPECT_EQ(load(), one_inactive);
  server_sends(from_client().syn().ack(), "SYN_RECV");
  EXPECT_EQ(load(), one_inactive);
  client_sends(from_client().ack(), "ESTABLISHED");
  EXPECT_EQ(load(), one_active);
  client_sends(from_client().ack().data("GET /"), "ESTABLISHED");
  server_sends(from_client().ack().data("200 OK"), "ESTABLISHED");
  client_sends(from_client().fin().ack(), "CLOSE_WAIT");
  EXPECT_EQ(load(), one_inactive);
  server_sends(from_client().ack().data("the rest"), "CLOSE_WAIT");
  server_sends(from_client().fin().ack(), "TIME_WAIT");
  client_sends(from_client().ack(), "TIME_WAIT");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatTheServerClosesFirst) {
  nat();
  establish_nat(from_client(), 1);
  server_sends(from_client().fin().ack(), "FIN_WAIT");
  EXPECT_EQ(load(), one_inactive);
  server_sends(from_client().fin().ack(), "FIN_WAIT");
  client_sends(from_client().ack().data("still writing"), "FIN_WAIT");
  client_sends(from_client().fin().ack(), "TIME_WAIT");
  server_sends(from_client().ack(), "TIME_WAIT");
}

TEST_P(States, NatRetransmittedSegmentsChangeNothing) {
  nat();
  client_sends(from_client().syn(), "SYN_RECV");
  client_sends(from_client().syn(), "SYN_RECV");
  server_sends(from_client().syn().ack(), "SYN_RECV");
  server_sends(from_client().syn().ack(), "SYN_RECV");
  client_sends(from_client().ack(), "ESTABLISHED");
  server_sends(from_client().syn().ack(), "ESTABLISHED");
  client_sends(from_client().fin().ack(), "CLOSE_WAIT");
  client_sends(from_client().fin().ack(), "CLOSE_WAIT");
  server_sends(from_client().fin().ack(), "TIME_WAIT");
  server_sends(from_client().fin().ack(), "TIME_WAIT");
  client_sends(from_client().fin().ack(), "TIME_WAIT");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatAnAcknowledgementBeforeTheServerAnsweredProvesNothing) {
  nat();
  client_sends(from_client().syn(), "SYN_RECV");
  client_sends(from_client().ack(), "SYN_RECV");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatALostAcknowledgementIsMadeUpByTheFin) {
  nat();
  client_sends(from_client().syn(), "SYN_RECV");
  server_sends(from_client().syn().ack(), "SYN_RECV");
  client_sends(from_client().fin().ack(), "CLOSE_WAIT");
  EXPECT_EQ(path().connection(from_client()), (Connection{"CLOSE_WAIT", name(1), true}));
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatTheClientsReset) {
  nat();
  establish_nat(from_client(), 1);
  client_sends(from_client().rst(), "CLOSE");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatTheServersReset) {
  nat();
  establish_nat(from_client(), 1);
  server_sends(from_client().rst().ack(), "CLOSE");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, NatARefusedConnection) {
  nat();
  client_sends(from_client().syn(), "SYN_RECV");
  server_sends(from_client().rst().ack(), "CLOSE");
  EXPECT_EQ(load(), one_inactive);
}

TEST_P(States, DrFromHandshakeToClose) {
  dr();
  client_sends(from_client().syn(), "SYN_RECV");
  EXPECT_EQ(load(80), one_inactive);
  client_sends(from_client().ack(), "ESTABLISHED");
  EXPECT_EQ(load(80), one_active);
  client_sends(from_client().ack().data("GET /"), "ESTABLISHED");
  client_sends(from_client().fin().ack(), "FIN_WAIT");
  EXPECT_EQ(load(80), one_inactive);
  client_sends(from_client().ack(), "FIN_WAIT");
  client_sends(from_client().fin().ack(), "FIN_WAIT");
}

TEST_P(States, DrAReset) {
  dr();
  establish_dr(from_client(), 1);
  client_sends(from_client().rst(), "CLOSE");
  EXPECT_EQ(load(80), one_inactive);
}

TEST_P(States, ASynForAnEstablishedConnectionChangesNothing) {
  nat();
  establish_nat(from_client(), 1);
  client_sends(from_client().syn(), "ESTABLISHED");
  EXPECT_EQ(load(), one_active);
  EXPECT_EQ(path().stats(name(1)).connections, 1U);
}

TEST_P(States, ASynAfterTheCloseStartsANewConnectionAtTheNextServer) {
  have(service(vip(), {server(1), server(2), server(3)}));
  establish_nat(from_client(), 1);
  client_sends(from_client().fin().ack(), "CLOSE_WAIT");
  server_sends(from_client().fin().ack(), "TIME_WAIT");
  establish_nat(from_client(), 2);
  EXPECT_EQ(path().load(name(1)), Load{});
  EXPECT_EQ(path().load(name(2)), one_active);
  client_sends(from_client().rst(), "CLOSE");
  establish_nat(from_client(), 3);
  EXPECT_EQ(path().total_load(), one_active);
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(States, OnlyAPlainSynStartsAConnection) {
  nat();
  for (const auto& packet : {from_client().ack(), from_client().syn().ack(), from_client().rst(), from_client().fin(),
                             from_client().syn().fin(), from_client().syn().rst(), from_client()}) {
    EXPECT_EQ(send(packet), dropped("no_connection"));
  }
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

BALLAST_BOTH_FAMILIES(States);

}  // namespace
}  // namespace ballast::packet
