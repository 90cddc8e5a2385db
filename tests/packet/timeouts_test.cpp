// The end of connections by time: a miss at once for the next packet, and swept away with their counts.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using namespace std::chrono_literals;

class Timeouts : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({timed(service(vip(), {server(1)})), timed(service(vip(), {server(1)}, Scheduler::rr, Protocol::udp)),
          timed(service(vip(81), {server(2, 1, Method::dr, 81)}))});
  }
  /// For let_pass: 20 seconds, which the machine has been up for.
  void have_short_timeouts() {
    DataPath::await_uptime(21);
    for (std::size_t i = 0; i < desired.services.size(); ++i)
      desired.services[i].timeouts = {.tcp = 20s, .tcp_fin = 20s, .udp = 20s};
    apply();
  }
  static DesiredService timed(DesiredService service) {
    service.timeouts = {.tcp = 500s, .tcp_fin = 90s, .udp = 200s};
    return service;
  }
  [[nodiscard]] Packet direct() const { return tcp(client(), vip(81)); }

  /// It survives a sweep shortly before its time and none after it. (Tests may be interrupted for some seconds.)
  void expect_lifetime(const Packet& packet, std::uint32_t seconds) {
    const auto entries = path().entries();
    path().sweep(seconds - 8);
    EXPECT_EQ(path().entries(), entries) << "swept away too early";
    expect_census();
    path().sweep(seconds + 1);
    EXPECT_EQ(path().connection(packet), std::nullopt);
    EXPECT_EQ(path().entries(), 0U) << "left over";
    EXPECT_EQ(path().total_load(), Load{});
    expect_census();
  }
  void expect_census() {
    for (const auto& server : {name(1), name(2, 81)}) EXPECT_EQ(path().census(server), path().load(server)) << server;
  }
};

TEST_P(Timeouts, SynReceived) {
  send(from_client().syn());
  expect_lifetime(from_client(), 60);
}

TEST_P(Timeouts, SynAcknowledged) {
  send(from_client().syn());
  send(answer(from_client().syn().ack(), 1));
  expect_lifetime(from_client(), 60);
}

TEST_P(Timeouts, Established) {
  establish_nat(from_client(), 1);
  expect_lifetime(from_client(), 500);
}

TEST_P(Timeouts, EstablishedDirect) {
  establish_dr(direct(), 2);
  expect_lifetime(direct(), 500);
}

TEST_P(Timeouts, CloseWait) {
  establish_nat(from_client(), 1);
  send(from_client().fin().ack());
  expect_lifetime(from_client(), 60);
}

TEST_P(Timeouts, FinWait) {
  establish_nat(from_client(), 1);
  send(answer(from_client().fin().ack(), 1));
  expect_lifetime(from_client(), 90);
}

TEST_P(Timeouts, FinWaitDirect) {
  establish_dr(direct(), 2);
  send(direct().fin().ack());
  expect_lifetime(direct(), 90);
}

TEST_P(Timeouts, TimeWait) {
  establish_nat(from_client(), 1);
  send(from_client().fin().ack());
  send(answer(from_client().fin().ack(), 1));
  expect_lifetime(from_client(), 90);
}

TEST_P(Timeouts, Close) {
  establish_nat(from_client(), 1);
  send(from_client().rst());
  expect_lifetime(from_client(), 10);
}

TEST_P(Timeouts, UdpSeenOnce) {
  send(query());
  expect_lifetime(query(), 200);
}

TEST_P(Timeouts, UdpAnswered) {
  send(query());
  send(answer(query(), 1));
  expect_lifetime(query(), 200);
}

TEST_P(Timeouts, APacketOfTheClientKeepsAConnectionAlive) {
  have_short_timeouts();
  establish_nat(from_client(), 1);
  path().let_pass(from_client(), 10);
  send(from_client().ack());
  path().sweep(12);
  EXPECT_EQ(path().entries(), 1U);
  EXPECT_EQ(path().connection(from_client())->state, "ESTABLISHED");
}

TEST_P(Timeouts, APacketOfTheServerKeepsAConnectionAlive) {
  have_short_timeouts();
  establish_nat(from_client(), 1);
  path().let_pass(from_client(), 10);
  send(answer(from_client().ack(), 1));
  path().sweep(12);
  EXPECT_EQ(path().connection(from_client())->state, "ESTABLISHED");
  EXPECT_EQ(path().entries(), 1U);
}

TEST_P(Timeouts, AnExpiredTcpConnectionIsNoneForTheNextPacket) {
  have_short_timeouts();
  establish_nat(from_client(), 1);
  path().let_pass(from_client(), 21);
  EXPECT_EQ(send(from_client().ack()), dropped("no_connection"));
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
  establish_nat(from_client(), 1);
}

TEST_P(Timeouts, AnExpiredTcpConnectionIsNoneForTheServer) {
  have_short_timeouts();
  establish_nat(from_client(), 1);
  path().let_pass(from_client(), 21);
  EXPECT_EQ(send(answer(from_client().ack(), 1)), dropped("no_connection"));
}

TEST_P(Timeouts, ASynStartsAnExpiredConnectionAnew) {
  have_short_timeouts();
  establish_dr(direct(), 2);
  path().let_pass(direct(), 21);
  establish_dr(direct(), 2);
  EXPECT_EQ(path().load(name(2, 81)), (Load{1, 0}));
  EXPECT_EQ(path().stats(name(2, 81)).connections, 2U);
}

TEST_P(Timeouts, AnExpiredUdpConnectionIsANewOne) {
  have_short_timeouts();
  send(query());
  send(query());
  path().let_pass(query(), 21);
  EXPECT_EQ(send(query()), transmitted(to_server(query(), 1)));
  EXPECT_FALSE(path().connection(query())->proved);
  EXPECT_EQ(path().total_load(), (Load{0, 1}));
}

TEST_P(Timeouts, TheSweepCountsWhatItLeaves) {
  establish_nat(from_client(), 1);
  establish_dr(direct(), 2);
  send(from_client(1).syn());
  send(query());
  EXPECT_EQ(path().sweep(0), (Sweep{.flows = 2, .half_open = 2, .expired = 0}));
  EXPECT_EQ(path().sweep(100), (Sweep{.flows = 2, .half_open = 1, .expired = 1}));
  EXPECT_EQ(path().sweep(300), (Sweep{.flows = 2, .half_open = 0, .expired = 1}));
  EXPECT_EQ(path().sweep(600), (Sweep{.flows = 0, .half_open = 0, .expired = 2}));
  EXPECT_EQ(path().entries(), 0U);
}

TEST_P(Timeouts, TheSweepKnowsTheTimeItself) {
  have_short_timeouts();
  establish_nat(from_client(), 1);
  EXPECT_EQ(path().sweep_now(), (Sweep{.flows = 1, .half_open = 0, .expired = 0}));
  path().let_pass(from_client(), 21);
  EXPECT_EQ(path().sweep_now(), (Sweep{.flows = 0, .half_open = 0, .expired = 1}));
}

TEST_P(Timeouts, ConnectionsOfARemovedServerAreSweptAway) {
  establish_nat(from_client(), 1);
  have({timed(service(vip(), {server(3)}))});
  EXPECT_EQ(path().sweep(0).expired, 1U);
  EXPECT_EQ(path().sweep(10).expired, 0U);
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(Timeouts, AfterAStormAndItsTimeoutsEveryLoadIs0) {
  have(timed(service(vip(), {server(1), server(2), server(3)})));
  for (unsigned number = 0; number < 9000; ++number) {
    const auto packet = tcp(client(1024 + number), vip());
    path().replay(packet.syn().bytes());
    if (number % 3 == 0) continue;
    for (unsigned server = 1; server <= 3; ++server) path().replay(answer(packet.syn().ack(), server).bytes());
    path().replay(packet.ack().bytes());
    if (number % 5 == 0) path().replay(packet.rst().bytes());
  }
  EXPECT_NE(path().total_load(), Load{});
  for (const auto ahead : {0U, 0U}) {
    path().sweep(ahead);
    path().correct();
  }
  for (unsigned server = 1; server <= 3; ++server) EXPECT_EQ(path().load(name(server)), path().census(name(server)));
  for (const auto ahead : {1000U, 1000U}) {
    path().sweep(ahead);
    path().correct();
  }
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
}

BALLAST_BOTH_FAMILIES(Timeouts);

}  // namespace
}  // namespace ballast::packet
