// FNAT: the server sees a LIP as its client, answers to it, and the client sees the VIP.
#include <atomic>
#include <thread>

#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

class FullNat : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({full_nat(ClientAddress::none), full_nat(ClientAddress::none, 1, 1, Protocol::udp)});
  }
  net::Endpoint establish(const Packet& request, unsigned number = 1) {
    const auto local = open(request.syn());
    const auto accepted = reply(local, number).syn().ack();
    EXPECT_EQ(send(accepted), transmitted(before(accepted, request)));
    EXPECT_EQ(send(request.ack()), transmitted(behind(request.ack(), local, number)));
    EXPECT_EQ(path().connection(request), (Connection{"ESTABLISHED", name(number), true}));
    return local;
  }
};

TEST_P(FullNat, ARequestComesFromALocalAddressAndPort) {
  const auto outcome = send(from_client().syn());
  const auto local = sender(outcome.frame);
  EXPECT_EQ(local.address, lip(1));
  EXPECT_GE(local.port, 1024);
  EXPECT_EQ(outcome, transmitted(tcp(local, real(1)).syn().ttl(63).via(balancer_mac, real_mac(1))));
}

TEST_P(FullNat, AnAnswerToItComesFromTheVip) {
  const auto local = open(from_client().syn());
  EXPECT_EQ(send(reply(local).syn().ack()),
            transmitted(tcp(vip(), client()).syn().ack().ttl(63).via(balancer_mac, client_mac)));
}

TEST_P(FullNat, AWholeTcpConnectionGoesThrough) {
  const auto request = from_client();
  const auto local = establish(request);
  for (const auto* text : {"GET / HTTP/1.1\r\n\r\n", "a", "an odd one", ""}) {
    const auto question = request.ack().data(text);
    EXPECT_EQ(send(question), transmitted(behind(question, local)));
    const auto response = reply(local).ack().data(text);
    EXPECT_EQ(send(response), transmitted(before(response, request)));
  }
  EXPECT_EQ(send(reply(local).ack().fin()), transmitted(before(reply(local).ack().fin(), request)));
  EXPECT_EQ(path().connection(request)->state, "FIN_WAIT");
  EXPECT_EQ(send(request.ack().fin()), transmitted(behind(request.ack().fin(), local)));
  EXPECT_EQ(path().connection(request)->state, "TIME_WAIT");
  EXPECT_EQ(path().load(name(1)), (Load{0, 1}));
}

TEST_P(FullNat, UdpBothWays) {
  const auto local = open(query());
  for (const auto* text : {"", "a", "ab", "a question", "another question!"}) {
    EXPECT_EQ(send(query().data(text)), transmitted(behind(query().data(text), local)));
    const auto response = udp(real(1), local).via(real_mac(1), balancer_mac).data(text);
    EXPECT_EQ(send(response), transmitted(before(response, query())));
  }
  EXPECT_EQ(path().connection(query())->state, "UDP");
}

TEST_P(FullNat, AUdpPacketWithoutAChecksumStaysWithoutOneOverIpv4) {
  if (is_v6()) return;
  const auto local = open(query());
  EXPECT_EQ(send(query().unsummed().data("any")), transmitted(behind(query().unsummed().data("any"), local)));
  const auto response = udp(real(1), local).via(real_mac(1), balancer_mac).unsummed().data("what");
  EXPECT_EQ(send(response), transmitted(before(response, query())));
}

TEST_P(FullNat, ChecksumsStayRightForAnyBytesAndPorts) {
  for (std::uint16_t number = 0; number < 1500; ++number) {
    const auto request =
        udp(client(1024 + 43 * number), vip()).data({reinterpret_cast<const char*>(&number), sizeof number});
    const auto local = open(request);
    ASSERT_EQ(send(request), transmitted(behind(request, local)));
    const auto response = udp(real(1), local).via(real_mac(1), balancer_mac).data(request.text());
    ASSERT_EQ(send(response), transmitted(before(response, request)));
  }
}

TEST_P(FullNat, AWrongChecksumStaysWrong) {
  const auto local = establish(from_client());
  for (const auto& packet : {from_client().ack().data("broken on the way"), reply(local).ack().data("broken, too")}) {
    auto frame = packet.bytes();
    frame.back() ^= 1;
    EXPECT_EQ(checksum_fault(path().send(frame).frame), "layer 4 checksum");
  }
}

TEST_P(FullNat, WithoutAPortOfItsOwnAServerListensOnTheVips) {
  auto plain = full_nat(ClientAddress::none);
  plain.servers = {server(1, 1, Method::fnat, 0)};
  have(plain);
  const auto local = open(from_client().syn());
  const auto accepted = tcp(real(1, 80), local).via(real_mac(1), balancer_mac).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(before(accepted, from_client())));
}

TEST_P(FullNat, OptionsAndVlanTags) {
  if (!is_v6()) {
    const auto local = open(from_client().syn().ip_options(3));
    EXPECT_EQ(send(from_client().syn().ip_options(3)), transmitted(behind(from_client().syn().ip_options(3), local)));
    const auto answer = reply(local).syn().ack().ip_options(10);
    EXPECT_EQ(send(answer), transmitted(before(answer, from_client())));
  } else {
    const auto local = open(from_client().syn().ipv6_options());
    EXPECT_EQ(send(from_client().syn().ipv6_options()), transmitted(behind(from_client().syn().ipv6_options(), local)));
  }
  const auto tagged = send(from_client(1).vlan(7).syn());
  ASSERT_EQ(tagged.verdict, Verdict::transmit);
  const auto local = sender(tagged.frame);
  EXPECT_EQ(tagged, transmitted(behind(from_client(1).syn(), local))) << "the way to the server has no tag";
  EXPECT_EQ(send(reply(local).syn().ack()), transmitted(before(reply(local).syn().ack(), from_client(1)).vlan(7)));
}

TEST_P(FullNat, TimeToLiveEndsHere) {
  const auto local = establish(from_client());
  EXPECT_EQ(send(from_client().ack().ttl(1)), dropped("ttl"));
  EXPECT_EQ(send(reply(local).ack().ttl(1)), dropped("ttl"));
}

TEST_P(FullNat, WhatNoConnectionWaitsForIsTheKernels) {
  const auto local = establish(from_client());
  const auto stranger = tcp(real(2), local).via(real_mac(2), balancer_mac).ack();
  EXPECT_EQ(send(stranger), passed(stranger)) << "not the server of this connection";
  const auto other_port = reply({local.address, static_cast<std::uint16_t>(local.port ^ 1)}).ack();
  EXPECT_EQ(send(other_port), passed(other_port)) << "a LIP may be this machine's own address";
  const auto ssh = tcp(client(), {lip(1), 22}).syn();
  EXPECT_EQ(send(ssh), passed(ssh));
  const auto dns = udp(real(1, 53), local).via(real_mac(1), balancer_mac);
  EXPECT_EQ(send(dns), passed(dns));
}

TEST_P(FullNat, APacketCutAtAnyByteIsNeitherForwardedNorWrittenTo) {
  const auto local = establish(from_client());
  for (const auto& packet : {from_client().ack().data("GET / HTTP/1.1\r\n\r\n"), reply(local).ack().data("200 OK"),
                             from_client(1).syn().options(mss(1460) + toa(client()))}) {
    const auto whole = packet.bytes();
    for (std::size_t length = 14; length < whole.size(); ++length) {
      const auto outcome = path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome == dropped("truncated")) << length;
    }
  }
}

TEST_P(FullNat, OneClientHasOneLocalAddressAndManyClientsShareThemAll) {
  have(full_nat(ClientAddress::none, 4));
  std::map<net::IpAddress, unsigned> clients_of;
  for (unsigned number = 0; number < 200; ++number) {
    std::set<net::IpAddress> own;
    for (unsigned port = 1; port <= 4; ++port) own.insert(open(tcp(client(port, number + 1), vip()).syn()).address);
    ASSERT_THAT(own, SizeIs(1));
    ++clients_of[*own.begin()];
  }
  EXPECT_THAT(clients_of, SizeIs(4));
  for (const auto& [local, count] : clients_of) EXPECT_GT(count, 20U) << local.to_string();
}

TEST_P(FullNat, APortIsGivenBackWhenItsConnectionIsOver) {
  for (unsigned number = 0; number < 100; ++number) establish(from_client(number));
  EXPECT_EQ(path().ports_in_use(), 100U);
  EXPECT_EQ(path().sweep(2000).expired, 100U);
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(FullNat, AClosedConnectionsTupleBeginsAnew) {
  const auto local = establish(from_client());
  send(reply(local).rst());
  EXPECT_EQ(path().connection(from_client())->state, "CLOSE");
  establish(from_client());
  EXPECT_EQ(path().ports_in_use(), 1U);
}

TEST_P(FullNat, ARemovedLocalAddressEndsItsConnectionsAndNoOthers) {
  have(full_nat(ClientAddress::none, 2));
  std::map<net::IpAddress, std::vector<Packet>> of;
  for (unsigned number = 1; number <= 20; ++number) {
    const auto request = tcp(client(40000, number), vip());
    of[establish(request).address].push_back(request);
  }
  ASSERT_THAT(of, SizeIs(2));
  auto only_second = full_nat(ClientAddress::none, 2);
  only_second.local_addresses.erase(only_second.local_addresses.begin());
  have(only_second);
  for (const auto& request : of[lip(1)]) EXPECT_EQ(send(request.ack()), dropped("server_gone"));
  for (const auto& request : of[lip(2)]) EXPECT_EQ(send(request.ack()).verdict, Verdict::transmit);
  EXPECT_EQ(open(of[lip(1)][0].syn()).address, lip(2));
  path().sweep(2000);
  EXPECT_EQ(path().ports_in_use(), 0U);
}

TEST_P(FullNat, AnAddedLocalAddressDisturbsNoConnection) {
  const auto local = establish(from_client());
  have(full_nat(ClientAddress::none, 3));
  EXPECT_EQ(send(from_client().ack()), transmitted(behind(from_client().ack(), local)));
  EXPECT_EQ(send(reply(local).ack()), transmitted(before(reply(local).ack(), from_client())));
}

TEST_P(FullNat, ConnectionsGoOnWhenTheirServiceTakesAnotherMethodAndHasNoLocalAddresses) {
  const auto local = open(from_client().syn());
  auto plain = full_nat(ClientAddress::none, 0);
  plain.servers[0].method = Method::nat;
  have(plain);
  const auto accepted = reply(local).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(before(accepted, from_client())));
  const auto data = from_client().ack().data("more");
  EXPECT_EQ(send(data), transmitted(behind(data, local)));
  establish_nat(from_client(1), 1);
}

TEST_P(FullNat, TwoVipsShareServersAndLocalAddresses) {
  auto second = full_nat(ClientAddress::none);
  second.endpoints = {vip(80, 11)};
  second.name = "second";
  have({full_nat(ClientAddress::none), second});
  std::set<net::Endpoint> seen;
  for (unsigned number = 0; number < 500; ++number) {
    const auto other = from_client(number).to(vip(80, 11));
    seen.insert(open(from_client(number).syn()));
    const auto local = open(other.syn());
    seen.insert(local);
    ASSERT_EQ(send(reply(local).syn().ack()), transmitted(before(reply(local).syn().ack(), other)));
  }
  EXPECT_THAT(seen, SizeIs(1000)) << "one tuple towards a server is one connection";
}

TEST_P(FullNat, AServerWithoutALocalAddressOfItsFamilyIsNotReached) {
  auto without = full_nat(ClientAddress::none, 0);
  without.local_addresses = {address(is_v6() ? "10.0.6.1" : "fd00:6::1")};
  have(without);
  EXPECT_EQ(send(from_client().syn()), dropped("no_local_port"));
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(FullNat, PacketsAndBytesAreCountedBothWays) {
  const auto local = establish(from_client());
  const auto request = from_client().ack().data("GET /");
  const auto response = reply(local).ack().data("200 OK, and more");
  send(request);
  send(response);
  const auto stats = path().stats(name(1));
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_EQ(stats.packets_in, 3U);
  EXPECT_EQ(stats.bytes_in, 2 * from_client().ip_bytes() + request.ip_bytes());
  EXPECT_EQ(stats.packets_out, 2U);
  EXPECT_EQ(stats.bytes_out, from_client().ip_bytes() + response.ip_bytes());
}

BALLAST_BOTH_FAMILIES(FullNat);

class FullNatPorts : public FullNatScenario {
 protected:
  static constexpr unsigned many = 70000;
  [[nodiscard]] Sizes sizes() const override { return {.connections = 131072}; }
  [[nodiscard]] Packet numbered(unsigned number) const {
    return udp(client(1 + number % 60000, 7 + number / 60000), vip());
  }
};

TEST_P(FullNatPorts, WhenPortsAreUsedUpConnectionsAreRefusedAndThenAllComeBack) {
  have(full_nat(ClientAddress::none, 1, 1, Protocol::udp));
  std::set<net::Endpoint> seen;
  unsigned refused = 0;
  for (unsigned number = 0; number < many; ++number) {
    const auto outcome = send(numbered(number));
    if (outcome.verdict != Verdict::transmit) {
      ASSERT_EQ(outcome, dropped("no_local_port"));
      ++refused;
    } else {
      ASSERT_TRUE(seen.insert(sender(outcome.frame)).second) << "a port of two connections";
    }
  }
  EXPECT_GT(refused, many - 64512);
  EXPECT_GT(seen.size(), 55000U) << "refused while many ports are free";
  EXPECT_EQ(path().ports_in_use(), seen.size());
  EXPECT_EQ(path().entries(), seen.size());
  EXPECT_EQ(path().sweep(1000).expired, seen.size());
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
  have(full_nat(ClientAddress::none, 2, 1, Protocol::udp));
  for (unsigned number = 0; number < many; ++number)
    ASSERT_EQ(path().replay(numbered(number).bytes()), Verdict::transmit);
}

TEST_P(FullNatPorts, TwoCpusNeverGiveOnePortToTwoConnections) {
  have(full_nat(ClientAddress::none, 1, 1, Protocol::udp));
  constexpr unsigned each = 25000;
  std::atomic<unsigned> ready = 0;
  const auto run = [&](unsigned thread) {
    ++ready;
    while (ready < 2) {
    }
    for (unsigned number = thread; number < 2 * each; number += 2) path().replay(numbered(number).bytes());
  };
  std::thread second{run, 1};
  run(0);
  second.join();
  std::set<std::uint16_t> ports;
  unsigned connections = 0;
  for (unsigned number = 0; number < 2 * each; ++number) {
    const auto outcome = send(numbered(number));
    if (outcome.verdict != Verdict::transmit) continue;
    ++connections;
    ports.insert(sender(outcome.frame).port);
  }
  EXPECT_EQ(ports.size(), connections) << "a port of two connections";
  EXPECT_GT(connections, 2 * each - 100);
  EXPECT_EQ(path().ports_in_use(), connections);
  path().sweep(1000);
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(FullNatPorts, TheSamePacketOnBothCpusLeavesNoPortBehind) {
  have(full_nat(ClientAddress::proxy_v2));
  constexpr unsigned connections = 5000;
  const auto syn = [this](unsigned number) { return tcp(client(1024 + number), vip()).syn().bytes(); };
  std::atomic<unsigned> ready = 0;
  const auto run = [&] {
    ++ready;
    while (ready < 2) {
    }
    for (unsigned number = 0; number < connections; ++number) path().replay(syn(number));
  };
  std::thread second{run};
  run();
  second.join();
  EXPECT_EQ(path().ports_in_use(), path().entries());
  EXPECT_EQ(path().details(), path().entries());
  path().sweep(1000);
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().details(), 0U);
}

TEST_P(FullNatPorts, PortsComeBackThoughAnIndexBecameAnothersBeforeTheSweep) {
  const auto use = [&](unsigned number) {
    auto service = full_nat(ClientAddress::none, 0, 0, Protocol::udp);
    service.servers = {server(number, 1, Method::fnat)};
    service.local_addresses = {lip(number)};
    have(service);
    for (unsigned client = 0; client < 1000; ++client)
      ASSERT_EQ(path().replay(numbered(client).bytes()), Verdict::transmit);
  };
  use(1);
  have_nothing();
  use(2);
  path().sweep(1000);
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(FullNatPorts, PortsThatNobodyGaveBackAreTakenWhereTheyAreInTheWay) {
  const auto all = full_nat(ClientAddress::none, 1, 1, Protocol::udp);
  have(all);
  for (unsigned number = 0; number < 30000; ++number) path().replay(numbered(number).bytes());
  // Twice within one sweep, the indices of LIP and server become others'.
  for (unsigned round = 9; round < 11; ++round) {
    auto other = full_nat(ClientAddress::none, 0, 0, Protocol::udp);
    other.servers = {server(round, 1, Method::fnat)};
    other.local_addresses = {lip(round)};
    have_nothing();
    have(other);
  }
  path().sweep(1000);
  EXPECT_GT(path().ports_in_use(), 0U);
  have(all);
  unsigned refused = 0;
  for (unsigned number = 0; number < 30000; ++number) {
    if (path().replay(numbered(number).bytes()) != Verdict::transmit) ++refused;
  }
  EXPECT_EQ(refused, 0U);
}

BALLAST_BOTH_FAMILIES(FullNatPorts);

}  // namespace
}  // namespace ballast::packet
