// Services beside one another: groups of addresses, shared servers, servers that are clients.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using namespace std::chrono_literals;

class Services : public Scenario {
 protected:
  void share_servers(std::vector<DesiredServer> servers, Scheduler scheduler = Scheduler::rr) {
    have({service(vip(), servers, scheduler), service(other_vip(), servers, scheduler)});
  }
  [[nodiscard]] net::Endpoint other_vip() const { return vip(80, 11); }
  [[nodiscard]] Packet to_other() const { return from_client().to(other_vip()); }
  void expect_answer(const Packet& request, unsigned number) {
    const auto response = answer(request.ack(), number);
    EXPECT_EQ(send(response), transmitted(to_client(response, request.destination())));
  }
};

TEST_P(Services, AGroupsAddressesShareServersTurnsAndCounts) {
  auto group = service(vip(), {server(1), server(2), server(3)});
  group.endpoints = {vip(), vip(443), vip(80, 12)};
  have(group);
  unsigned number = 0;
  for (const auto& endpoint : group.endpoints) {
    ++number;
    establish_nat(tcp(client(40000 + number), endpoint), number);
    EXPECT_EQ(path().load(name(number)), (Load{1, 0}));
  }
  EXPECT_EQ(send(tcp(client(), vip(443, 12)).syn()), passed(tcp(client(), vip(443, 12)).syn()));
}

TEST_P(Services, TheSameServerAndPortsInTcpAndUdpAreTwo) {
  have({service(vip(), {server(1)}), service(vip(), {server(2)}, Scheduler::rr, Protocol::udp)});
  establish_nat(from_client(), 1);
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 2)));
}

TEST_P(Services, ClientsOfTwoVipsWithOneServerAreToldApart) {
  share_servers({server(1)});
  establish_nat(from_client(), 1);
  const auto second = from_client(1).to(other_vip());
  establish_nat(second, 1);
  expect_answer(from_client(), 1);
  expect_answer(second, 1);
}

TEST_P(Services, OneClientPortToTwoVipsTakesTheOtherServer) {
  for (const auto scheduler : {Scheduler::rr, Scheduler::wlc, Scheduler::lc, Scheduler::mh}) {
    share_servers({server(1), server(2)}, scheduler);
    send(from_client().syn());
    const unsigned first = path().server_of(from_client()) == name(1) ? 1 : 2;
    send(to_other().syn());
    EXPECT_EQ(path().server_of(to_other()), name(3 - first)) << ballast::name_of(scheduler);
    expect_answer(from_client(), first);
    expect_answer(to_other(), 3 - first);
    path().forget(from_client());
    path().forget(to_other());
  }
}

TEST_P(Services, ARefusedTupleDisturbsNotTheConnectionThatHasIt) {
  share_servers({server(1)});
  establish_nat(from_client(), 1);
  EXPECT_EQ(send(to_other().syn()), dropped("tuple_taken"));
  EXPECT_EQ(path().connection(to_other()), std::nullopt);
  EXPECT_EQ(path().total_load(), (Load{1, 0}));
  expect_answer(from_client(), 1);
}

TEST_P(Services, ATupleIsFreeAgainOnceItsConnectionIsClosed) {
  share_servers({server(1)});
  establish_nat(from_client(), 1);
  send(from_client().fin().ack());
  send(answer(from_client().fin().ack(), 1));
  establish_nat(to_other(), 1);
  expect_answer(to_other(), 1);
  EXPECT_EQ(path().total_load(), (Load{1, 0}));
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(Services, ATupleIsFreeAgainOnceItsConnectionHasExpired) {
  share_servers({server(1)});
  DataPath::await_uptime(21);
  for (std::size_t i = 0; i < desired.services.size(); ++i) desired.services[i].timeouts.tcp = 20s;
  apply();
  establish_nat(from_client(), 1);
  path().let_pass(from_client(), 21);
  establish_nat(to_other(), 1);
  expect_answer(to_other(), 1);
}

TEST_P(Services, ATupleIsFreeAgainOnceItsConnectionWasEvicted) {
  share_servers({server(1)});
  send(from_client().syn());
  path().forget(from_client());
  establish_nat(to_other(), 1);
}

TEST_P(Services, AServerIsAClientOfAnotherService) {
  have({service(vip(), {server(1)}), service(other_vip(), {server(2)})});
  const auto request = tcp(real(1, 50000), other_vip());
  EXPECT_EQ(send(request.syn()), transmitted(to_server(request.syn(), 2)));
  const auto response = answer(request.syn().ack(), 2);
  EXPECT_EQ(send(response), transmitted(to_client(response, other_vip())));
  EXPECT_EQ(send(request.ack()), transmitted(to_server(request.ack(), 2)));
}

TEST_P(Services, ARemovedServiceLeavesTheOthersAlone) {
  have({service(vip(), {server(1)}), service(other_vip(), {server(2)})});
  establish_nat(from_client(), 1);
  establish_nat(to_other(), 2);
  have(service(vip(), {server(1)}));
  EXPECT_EQ(send(from_client().ack()), transmitted(to_server(from_client().ack(), 1)));
  EXPECT_EQ(send(to_other().ack()), passed(to_other().ack()));
}

TEST_P(Services, AServiceInARemovedOnesPlaceStartsWithout) {
  have(service(vip(), {server(1)}));
  establish_nat(from_client(), 1);
  have_nothing();
  have(service(other_vip(), {server(2)}));
  EXPECT_EQ(send(from_client().ack()), passed(from_client().ack()));
  establish_nat(to_other(), 2);
  have({service(other_vip(), {server(2)}), service(vip(), {server(1)})});
  EXPECT_EQ(send(from_client().ack()), dropped("no_connection"));
}

TEST_P(Services, AnIpv6ServiceBesideTheSameOneInIpv4) {
  const auto four = endpoint("203.0.113.10:80");
  const auto six = endpoint("[2001:db8::10]:80");
  auto web = service(
      four,
      {{.endpoint = endpoint("10.0.0.1:80"), .method = Method::dr, .weight = 1, .status = bus::ServerStatus::up}});
  auto web6 = service(
      six,
      {{.endpoint = endpoint("[fd00::2]:80"), .method = Method::dr, .weight = 1, .status = bus::ServerStatus::up}});
  have({web, web6});
  const auto request = tcp(endpoint("198.51.100.7:40000"), four).syn();
  const auto request6 = tcp(endpoint("[2001:db8:c::7]:40000"), six).syn();
  EXPECT_EQ(send(request), transmitted(request.via(balancer_mac, real_mac(1))));
  EXPECT_EQ(send(request6), transmitted(request6.via(balancer_mac, real_mac(2))));
}

BALLAST_BOTH_FAMILIES(Services);

}  // namespace
}  // namespace ballast::packet
