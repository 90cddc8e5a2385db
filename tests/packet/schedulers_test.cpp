// Which server takes a new connection.
#include <map>

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

BALLAST_BOTH_FAMILIES(Schedulers);

}  // namespace
}  // namespace ballast::packet
