// A client's connections stay with one server, and what else a service can ask for.
#include <set>

#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using namespace std::chrono_literals;

class Persistence : public Scenario {
 protected:
  void persistent(std::vector<DesiredServer> servers, unsigned prefix4 = 32, unsigned prefix6 = 128) {
    auto web = service(vip(), std::move(servers));
    web.persistence_timeout = 20s;
    web.persistence_prefix4 = prefix4;
    web.persistence_prefix6 = prefix6;
    have(web);
  }
  std::string take(const Packet& packet) {
    EXPECT_EQ(send(packet.syn()).verdict, Verdict::transmit);
    return path().server_of(packet);
  }
};

TEST_P(Persistence, AllConnectionsOfAClientGoToOneServerAndClientsTakeTurns) {
  persistent({server(1), server(2)});
  for (unsigned port = 1000; port < 1010; ++port) {
    EXPECT_EQ(take(tcp(client(port, 1), vip())), name(1));
    EXPECT_EQ(take(tcp(client(port, 2), vip())), name(2));
  }
}

TEST_P(Persistence, ANetworkCanCountAsOneClient) {
  persistent({server(1), server(2)}, 24, 64);
  std::set<std::string> servers;
  for (unsigned number = 0; number < 10; ++number) servers.insert(take(tcp(client(1000, 0x100 + number), vip())));
  EXPECT_THAT(servers, ::testing::SizeIs(1));
  if (is_v6()) return;
  EXPECT_EQ(take(tcp(client(1000, 0x200), vip())), name(2)) << "another /24";
}

TEST_P(Persistence, ItEndsWhenTheTimeIsUpAfterTheLastConnection) {
  DataPath::await_uptime(21);
  persistent({server(1), server(2)});
  EXPECT_EQ(take(from_client()), name(1));
  path().sweep(19);  // the connection lives and keeps it
  EXPECT_EQ(take(from_client(1)), name(1));
  path().forget(from_client());
  path().forget(from_client(1));
  path().age_persistence(21);
  EXPECT_EQ(take(from_client(2)), name(2));
}

TEST_P(Persistence, ADrainedServerGetsNoMoreOfItsClients) {
  persistent({server(1), server(2)});
  EXPECT_EQ(take(from_client()), name(1));
  persistent({server(1, 0), server(2)});
  EXPECT_EQ(take(from_client(1)), name(2));
  persistent({server(1), server(2)});
  EXPECT_EQ(take(from_client(2)), name(2)) << "it has moved";
}

TEST_P(Persistence, APortZeroServiceHasOneServerForAllPorts) {
  auto every = service(vip(0), {server(1, 1, Method::dr, 0), server(2, 1, Method::dr, 0)});
  every.persistence_timeout = 100s;
  have(every);
  for (const unsigned port : {21, 80, 40000}) {
    const auto packet = tcp(client(), vip(port));
    EXPECT_EQ(send(packet.syn()), transmitted(packet.syn().via(balancer_mac, real_mac(1))));
  }
}

TEST_P(Persistence, APortZeroServiceByNatKeepsThePort) {
  have(service(vip(0), {server(1, 1, Method::nat, 0)}));
  const auto request = tcp(client(), vip(443));
  EXPECT_EQ(send(request.syn()), transmitted(to_server(request.syn(), 1, 443)));
  const auto accepted = answer(request, 1, 443).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(to_client(accepted, vip(443))));
}

TEST_P(Persistence, AServiceWithThePortGoesBeforeOneOfAllPorts) {
  have({service(vip(0), {server(1, 1, Method::dr, 0)}), service(vip(80), {server(2, 1, Method::dr, 80)})});
  EXPECT_EQ(send(from_client().syn()), transmitted(from_client().syn().via(balancer_mac, real_mac(2))));
  const auto other = tcp(client(), vip(81)).syn();
  EXPECT_EQ(send(other), transmitted(other.via(balancer_mac, real_mac(1))));
}

TEST_P(Persistence, OnePacketSchedulingKeepsNoConnection) {
  auto names =
      service(vip(), {server(1, 1, Method::dr, 80), server(2, 1, Method::dr, 80)}, Scheduler::rr, Protocol::udp);
  names.one_packet = true;
  have(names);
  for (unsigned number = 0; number < 4; ++number) {
    EXPECT_EQ(send(query()), transmitted(query().via(balancer_mac, real_mac(1 + number % 2))));
  }
  EXPECT_EQ(path().entries(), 0U);
}

TEST_P(Persistence, SloppyTcpPicksUpAConnectionInItsMiddle) {
  auto web = service(vip(), {server(1, 1, Method::dr, 80)});
  have(web);
  EXPECT_EQ(send(from_client().ack()), dropped("no_connection"));
  web.sloppy_tcp = true;
  have(web);
  EXPECT_EQ(send(from_client().ack()), transmitted(from_client().ack().via(balancer_mac, real_mac(1))));
  EXPECT_EQ(path().connection(from_client())->state, "ESTABLISHED");
  EXPECT_EQ(path().load(name(1, 80)), (Load{1, 0}));
  for (const auto& packet : {from_client(1).rst(), from_client(1).fin().ack(), from_client(1).syn().ack()}) {
    EXPECT_EQ(send(packet), dropped("no_connection"));
  }
}

TEST_P(Persistence, ConnectionsStayWhenAServiceOfDirectServersGetsANatServer) {
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  establish_dr(from_client(), 1);
  have(service(vip(), {server(1, 1, Method::dr, 80), server(2)}));
  EXPECT_EQ(send(from_client().ack()), transmitted(from_client().ack().via(balancer_mac, real_mac(1))));
  have(service(vip(), {server(1, 1, Method::dr, 80)}));
  EXPECT_EQ(send(from_client().ack()), transmitted(from_client().ack().via(balancer_mac, real_mac(1))));
}

BALLAST_BOTH_FAMILIES(Persistence);

}  // namespace
}  // namespace ballast::packet
