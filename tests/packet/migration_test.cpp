// The connection table gets another size while connections are open.
#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

class Migration : public FullNatScenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.connections = 64}; }
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    auto full = full_nat(ClientAddress::proxy_v1, 1, 1);
    full.endpoints = {vip(82)};
    full.name = "full";
    auto direct = service(vip(81), {server(2, 1, Method::dr, 81)});
    have({service(vip(), {server(3)}), direct, service(vip(53), {server(4)}, Scheduler::rr, Protocol::udp), full});
  }
  [[nodiscard]] Packet direct(unsigned number = 0) const { return tcp(client(40000 + number), vip(81)); }
  [[nodiscard]] Packet full(unsigned number = 0) const { return tcp(client(40000 + number), vip(82)); }
  [[nodiscard]] Packet question(unsigned number = 0) const { return udp(client(40000 + number), vip(53)); }
  static void nothing() {}

  void expect_exact_counts() {
    path().sweep_now();
    for (const auto& server : {name(3), name(2, 81), name(4), name(1)}) {
      EXPECT_EQ(path().load(server), path().census(server)) << server;
    }
  }
};

TEST_P(Migration, ConnectionsOfEveryKindGoOn) {
  establish_nat(from_client(), 3);
  establish_dr(direct(), 2);
  send(question());
  send(answer(question(), 4));
  const auto local = open(full().syn());
  send(reply(local).syn().ack());
  send(full().ack().data("GET /"));
  const auto before = path().entries();
  for (const std::uint32_t connections : {4096U, 128U, 2048U}) {
    const auto outcome = path().resize(connections, nothing);
    EXPECT_EQ(outcome.moved, before);
    EXPECT_EQ(outcome.left, 0U);
    EXPECT_EQ(path().entries(), before);
    EXPECT_EQ(send(from_client().ack()), transmitted(to_server(from_client().ack(), 3)));
    EXPECT_EQ(send(answer(from_client(), 3).ack()), transmitted(to_client(answer(from_client(), 3).ack(), vip())));
    EXPECT_EQ(send(direct().ack()), transmitted(direct().ack().via(balancer_mac, real_mac(2))));
    EXPECT_EQ(send(answer(question(), 4)), transmitted(to_client(answer(question(), 4), vip(53))));
    EXPECT_EQ(send(reply(local).ack().data("200")).verdict, Verdict::transmit);
    EXPECT_EQ(path().details(), 1U);
    EXPECT_EQ(path().ports_in_use(), 1U);
    expect_exact_counts();
  }
}

TEST_P(Migration, WhatHappensMeanwhileIsNotForgotten) {
  establish_nat(from_client(), 3);
  establish_dr(direct(), 2);
  establish_dr(direct(1), 2);
  send(direct(2).syn());
  const auto local = open(full().syn());
  const auto outcome = path().resize(1024, [&] {
    establish_nat(from_client(5), 3);  // a new one
    send(direct(2).ack());             // one goes on
    send(direct(1).rst());             // one ends,
    path().forget(direct());           // one is evicted
    send(reply(local).rst());          // and one gives its port back
    path().sweep(3600);
    establish_nat(from_client(6), 3);
  });
  EXPECT_EQ(outcome.left, 0U);
  EXPECT_EQ(path().connection(from_client(6)), (Connection{"ESTABLISHED", name(3), true}));
  EXPECT_EQ(path().connection(direct()), std::nullopt);
  EXPECT_EQ(path().connection(full()), std::nullopt);
  EXPECT_EQ(path().ports_in_use(), 0U);
  EXPECT_EQ(path().entries(), outcome.moved);
  expect_exact_counts();
}

TEST_P(Migration, AConnectionsLaterStateIsMoved) {
  send(direct().syn());
  path().resize(1024, [&] { send(direct().ack()); });
  EXPECT_EQ(path().connection(direct()), (Connection{"ESTABLISHED", name(2, 81), true}));
  path().resize(512, [&] { send(direct().fin().ack()); });
  EXPECT_EQ(path().connection(direct())->state, "FIN_WAIT");
  expect_exact_counts();
}

TEST_P(Migration, OfTooManyTheEstablishedOnesFindRoomFirst) {
  for (unsigned number = 0; number < 24; ++number) establish_dr(direct(number), 2);
  for (unsigned number = 100; number < 150; ++number) send(direct(number).syn());
  const auto outcome = path().resize(16, nothing);
  EXPECT_GT(outcome.left, 0U);
  EXPECT_EQ(outcome.moved, path().entries());
  unsigned kept = 0;
  for (unsigned number = 0; number < 24; ++number) kept += path().connection(direct(number)).has_value();
  EXPECT_GE(kept, 20U) << "of 24 in 48 lines";
  expect_exact_counts();
}

BALLAST_BOTH_FAMILIES(Migration);

}  // namespace
}  // namespace ballast::packet
