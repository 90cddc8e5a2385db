// Which server takes a new connection.
#include <map>
#include <set>

#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using Shares = std::map<std::string, unsigned>;

class Schedulers : public Scenario {
 protected:
  /// The server of each of so many new connections.
  std::vector<std::string> take(unsigned count, unsigned first_port = 1024) {
    std::vector<std::string> servers;
    for (unsigned number = 0; number < count; ++number) {
      const auto packet = tcp(client(first_port + number, first_port + number), vip()).syn();
      EXPECT_EQ(path().replay(packet.bytes()), Verdict::transmit);
      servers.push_back(path().server_of(packet));
    }
    return servers;
  }
  static Shares shares(const std::vector<std::string>& servers) {
    Shares counts;
    for (const auto& server : servers) ++counts[server];
    return counts;
  }
  void direct(Scheduler scheduler, std::vector<int> weights) {
    std::vector<DesiredServer> servers;
    for (unsigned number = 1; number <= weights.size(); ++number) {
      servers.push_back(server(number, weights[number - 1], Method::dr, 80));
    }
    have(service(vip(), servers, scheduler));
  }
  [[nodiscard]] std::string dr(unsigned number) const { return name(number, 80); }
  [[nodiscard]] Packet connection(unsigned port) const { return tcp(client(port, port), vip()); }
  /// So many connections, established.
  void establish(unsigned count, unsigned first_port = 1000) {
    for (unsigned port = first_port; port < first_port + count; ++port) {
      EXPECT_EQ(path().replay(connection(port).syn().bytes()), Verdict::transmit);
      EXPECT_EQ(path().replay(connection(port).ack().bytes()), Verdict::transmit);
    }
  }
};

TEST_P(Schedulers, RoundRobinTakesTurnsWhateverTheWeights) {
  direct(Scheduler::rr, {1, 9, 3});
  EXPECT_THAT(take(6), ::testing::ElementsAre(dr(1), dr(2), dr(3), dr(1), dr(2), dr(3)));
  EXPECT_EQ(shares(take(300, 2000)), (Shares{{dr(1), 100}, {dr(2), 100}, {dr(3), 100}}));
}

TEST_P(Schedulers, WeightedRoundRobinSharesExactlyByWeightInEachCycle) {
  direct(Scheduler::wrr, {5, 1, 2});
  for (const unsigned port : {1000, 2000, 3000}) {
    EXPECT_EQ(shares(take(8, port)), (Shares{{dr(1), 5}, {dr(2), 1}, {dr(3), 2}}));
  }
}

TEST_P(Schedulers, PacketsOfKnownConnectionsTakeNoTurn) {
  direct(Scheduler::rr, {1, 1});
  unsigned port = 1000;
  for (const auto expected : {1U, 2U, 1U, 2U}) {
    const auto packet = tcp(client(++port), vip());
    establish_dr(packet, expected);
    send(packet.ack().data("more"));
  }
}

TEST_P(Schedulers, LeastConnectionsSharesByWeight) {
  direct(Scheduler::wlc, {1, 2, 3});
  EXPECT_EQ(shares(take(60)), (Shares{{dr(1), 10}, {dr(2), 20}, {dr(3), 30}}));
}

TEST_P(Schedulers, LeastConnectionsWithoutWeights) {
  direct(Scheduler::lc, {1, 2, 3});
  EXPECT_EQ(shares(take(60)), (Shares{{dr(1), 20}, {dr(2), 20}, {dr(3), 20}}));
}

TEST_P(Schedulers, AnActiveConnectionWeighsAs256InactiveOnes) {
  direct(Scheduler::wlc, {1, 1});
  establish_dr(from_client(), 1);
  EXPECT_EQ(shares(take(256)), (Shares{{dr(2), 256}}));
  EXPECT_EQ(shares(take(2, 2000)), (Shares{{dr(1), 1}, {dr(2), 1}}));
}

TEST_P(Schedulers, AServerThatGotFreeIsLeastLoaded) {
  direct(Scheduler::wlc, {1, 1});
  establish_dr(from_client(0), 1);
  establish_dr(from_client(1), 2);
  send(from_client(1).rst());
  EXPECT_EQ(shares(take(3)), (Shares{{dr(2), 3}}));
}

TEST_P(Schedulers, AMaglevClientAlwaysGetsTheSameServerOnEveryNode) {
  have(service(vip(), {server(1, 1, Method::dr, 80), server(2, 2, Method::dr, 80), server(3, 1, Method::dr, 80)},
               Scheduler::mh));
  const auto here = take(500);
  EXPECT_THAT(shares(here), ::testing::SizeIs(3));
  DataPath other{sizes()};
  desired.services[0].servers = {server(3, 1, Method::dr, 80), server(1, 1, Method::dr, 80),
                                 server(2, 2, Method::dr, 80)};
  forwardd::xdp::NextHops hops;
  for (unsigned number = 1; number <= 3; ++number) hops[real(number).address] = {1, balancer_mac, real_mac(number)};
  other.set(desired, hops);
  for (unsigned number = 0; number < here.size(); ++number) {
    const auto packet = tcp(client(1024 + number, 1024 + number), vip()).syn();
    other.send(packet);
    ASSERT_EQ(other.server_of(packet), here[number]);
  }
}

TEST_P(Schedulers, AMaglevServerThatGoesMovesFewOfTheOthersClients) {
  std::vector<DesiredServer> servers;
  for (unsigned number = 1; number <= 10; ++number) servers.push_back(server(number, 1, Method::dr, 80));
  have(service(vip(), servers, Scheduler::mh));
  const auto before = take(2000);
  path().sweep(1000);
  desired.services[0].servers.erase(desired.services[0].servers.begin() + 3);
  apply();
  const auto after = take(2000);
  unsigned moved = 0;
  for (unsigned number = 0; number < before.size(); ++number) {
    EXPECT_NE(after[number], dr(4));
    if (before[number] != dr(4) && before[number] != after[number]) ++moved;
  }
  EXPECT_LT(moved, 2000U * 6 / 100);
}

TEST_P(Schedulers, AServerOfWeight0TakesNoNewConnection) {
  unsigned port = 1000;
  for (const auto scheduler : {Scheduler::rr, Scheduler::wrr, Scheduler::lc, Scheduler::wlc, Scheduler::mh}) {
    direct(scheduler, {1, 0, 1});
    const auto counts = shares(take(60, port += 100));
    EXPECT_THAT(counts, ::testing::UnorderedElementsAre(::testing::Key(dr(1)), ::testing::Key(dr(3))));
  }
}

TEST_P(Schedulers, AServerWhoseMacAddressIsUnknownIsPassedOver) {
  unreachable = {real(2).address};
  unsigned port = 1000;
  for (const auto scheduler : {Scheduler::rr, Scheduler::wrr, Scheduler::lc, Scheduler::wlc, Scheduler::mh}) {
    direct(scheduler, {1, 40, 1});
    const auto counts = shares(take(1000, port += 1000));
    EXPECT_THAT(counts, ::testing::UnorderedElementsAre(::testing::Key(dr(1)), ::testing::Key(dr(3))));
  }
}

TEST_P(Schedulers, WhereNoServerTakesAnyTheNewConnectionIsDropped) {
  for (const auto scheduler : {Scheduler::rr, Scheduler::wrr, Scheduler::lc, Scheduler::wlc, Scheduler::mh}) {
    direct(scheduler, {0, 0});
    EXPECT_EQ(send(from_client().syn()), dropped("no_server"));
    have(service(vip(), {}, scheduler));
    EXPECT_EQ(send(from_client().syn()), dropped("no_server"));
  }
  EXPECT_EQ(path().entries(), 0U);
}

TEST_P(Schedulers, AnotherSchedulerTakesOverWithTheNextConnection) {
  direct(Scheduler::rr, {1, 3});
  establish_dr(from_client(), 1);
  direct(Scheduler::wrr, {1, 3});
  EXPECT_EQ(shares(take(8)), (Shares{{dr(1), 2}, {dr(2), 6}}));
  EXPECT_EQ(send(from_client().ack()), transmitted(from_client().ack().via(balancer_mac, real_mac(1))));
}

TEST_P(Schedulers, SedWeighsWhatAServerWouldHaveAndInactiveConnectionsNot) {
  direct(Scheduler::sed, {1, 3});
  establish(40);
  EXPECT_EQ(path().load(dr(1)), (Load{10, 0}));
  EXPECT_EQ(path().load(dr(2)), (Load{30, 0}));
}

TEST_P(Schedulers, NqPrefersAnIdleServerHoweverLittleItsWeight) {
  direct(Scheduler::nq, {1, 100, 100});
  establish(3);
  for (unsigned number = 1; number <= 3; ++number) EXPECT_EQ(path().load(dr(number)), (Load{1, 0})) << number;
}

TEST_P(Schedulers, FoSendsAllToTheHeaviestServerThatIsThere) {
  direct(Scheduler::fo, {5, 9, 7});
  EXPECT_EQ(shares(take(20)), (Shares{{dr(2), 20}}));
  direct(Scheduler::fo, {5, 0, 7});
  EXPECT_EQ(shares(take(20, 2000)), (Shares{{dr(3), 20}}));
}

TEST_P(Schedulers, OvfFillsTheHeaviestServerAndOverflowsToTheNext) {
  direct(Scheduler::ovf, {3, 5});
  establish(5);
  EXPECT_EQ(path().load(dr(2)), (Load{5, 0}));
  establish(3, 2000);
  EXPECT_EQ(path().load(dr(1)), (Load{3, 0}));
  establish(2, 3000);
  EXPECT_EQ(path().load(dr(2)), (Load{7, 0})) << "with all full, the heaviest";
}

TEST_P(Schedulers, TwoRandomChoicesKeepLoadsTogether) {
  for (const auto scheduler : {Scheduler::twos, Scheduler::p2c}) {
    direct(scheduler, {1, 1, 1, 1});
    establish(400, 1000 + 1000 * static_cast<unsigned>(scheduler));
    for (unsigned number = 1; number <= 4; ++number) {
      EXPECT_GT(path().load(dr(number)).active, 80U);
      EXPECT_LT(path().load(dr(number)).active, 120U);
    }
    path().sweep(10000);
  }
}

TEST_P(Schedulers, HashesOfTheSourceKeepAClientWhereItIs) {
  for (const auto scheduler : {Scheduler::sh, Scheduler::mh}) {
    direct(scheduler, {1, 1, 1});
    std::set<std::string> all;
    for (unsigned number = 0; number < 50; ++number) {
      std::set<std::string> one;
      for (unsigned port = 0; port < 4; ++port) {
        const auto packet = tcp(client(1000 + port, number), vip());
        send(packet.syn());
        one.insert(path().server_of(packet));
      }
      EXPECT_THAT(one, ::testing::SizeIs(1)) << "the port does not count";
      all.merge(one);
    }
    EXPECT_THAT(all, ::testing::SizeIs(3));
    path().sweep(10000);
  }
}

TEST_P(Schedulers, WithThePortInTheHashOneClientReachesAllServers) {
  direct(Scheduler::mh, {1, 1, 1});
  desired.services[0].hash_port = true;
  apply();
  std::set<std::string> servers;
  for (unsigned port = 0; port < 60; ++port) {
    const auto packet = tcp(client(1000 + port), vip());
    send(packet.syn());
    servers.insert(path().server_of(packet));
  }
  EXPECT_THAT(servers, ::testing::SizeIs(3));
}

TEST_P(Schedulers, ShSharesClientsByWeight) {
  direct(Scheduler::sh, {3, 1});
  const auto counts = shares(take(2000));
  EXPECT_NEAR(counts.at(dr(1)), 1500, 150);
}

TEST_P(Schedulers, DhSendsADestinationToOneServer) {
  direct(Scheduler::dh, {1, 1, 1});
  EXPECT_THAT(shares(take(30)), ::testing::SizeIs(1));
}

TEST_P(Schedulers, LblcMovesOnOnlyFromAnOverloadedServer) {
  direct(Scheduler::lblc, {4, 4});
  establish(5);
  const auto first = path().load(dr(1)).active != 0 ? dr(1) : dr(2);
  EXPECT_EQ(path().load(first).active, 5U) << "it had no more connections than weight when each came";
  const auto other = first == dr(1) ? dr(2) : dr(1);
  establish(1, 2000);
  EXPECT_EQ(path().load(other).active, 1U) << "the other has less than half of its weight";
  establish(3, 3000);
  EXPECT_EQ(path().load(other).active, 4U) << "and has the destination now";
}

TEST_P(Schedulers, LblcrAddsToADestinationsServersWhenTheyAreOverloaded) {
  direct(Scheduler::lblcr, {4, 4, 4});
  establish(5);
  establish(8, 2000);
  EXPECT_THAT((std::vector{path().load(dr(1)).active, path().load(dr(2)).active, path().load(dr(3)).active}),
              ::testing::UnorderedElementsAre(::testing::Ge(4U), ::testing::Ge(4U), ::testing::_));
}

TEST_P(Schedulers, AServerAtItsUpperThresholdRestsUntilItIsUnderTheLowerOne) {
  for (const auto scheduler : {Scheduler::rr, Scheduler::wlc, Scheduler::mh}) {
    direct(scheduler, {1});
    desired.services[0].servers[0].upper_threshold = 4;
    desired.services[0].servers[0].lower_threshold = 2;
    apply();
    const unsigned port = 1000 + 100 * static_cast<unsigned>(scheduler);
    establish(4, port);
    EXPECT_EQ(send(tcp(client(port + 50), vip()).syn()), dropped("no_server"));
    send(connection(port).rst());
    path().let_pass(connection(port), 11);
    path().sweep(0);
    EXPECT_EQ(send(tcp(client(port + 51), vip()).syn()), dropped("no_server"))
        << "3 are left, the lower threshold is 2";
    for (unsigned next = port + 1; next < port + 3; ++next) {
      send(connection(next).rst());
      path().let_pass(connection(next), 11);
    }
    path().sweep(0);
    EXPECT_EQ(send(tcp(client(port + 52), vip()).syn()).verdict, Verdict::transmit);
    path().sweep(10000);
  }
}

BALLAST_BOTH_FAMILIES(Schedulers);

}  // namespace
}  // namespace ballast::packet
