// Fragments follow their first, both ways: RFC 791, RFC 8200.
#include "tests/packet/full_nat.hpp"
#include "tests/packet/report.hpp"

namespace ballast::packet {
namespace {

class Fragments : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    auto full = full_nat(ClientAddress::toa);
    full.endpoints = {vip(82)};
    full.name = "full";
    auto names = full_nat(ClientAddress::none, 1, 1, Protocol::udp);
    names.endpoints = {vip(54)};
    names.name = "names";
    auto single = service(vip(55), {server(4, 1, Method::dr, 55)}, Scheduler::rr, Protocol::udp);
    single.one_packet = true;
    have({service(vip(), {server(5)}, Scheduler::rr, Protocol::udp),
          service(vip(81), {server(2, 1, Method::dr, 81)}, Scheduler::rr, Protocol::udp),
          service(vip(83), {server(3, 1, Method::tun, 83)}, Scheduler::rr, Protocol::udp), full, names, single});
  }
  struct Pieces {
    Packet first, second, last;
    [[nodiscard]] std::vector<Packet> all() const { return {first, second, last}; }
  };
  [[nodiscard]] Pieces cut(const Packet& whole, std::uint16_t number = 0x4242) const {
    const auto packet = whole.data("a fragment of 24 bytes..").identification(number, false);
    return {packet.fragment(0, true), packet.fragment(32, true), packet.fragment(64, false)};
  }
};

TEST_P(Fragments, OfAQuestionToANatServer) {
  const auto pieces = cut(query());
  for (const auto& piece : pieces.all()) EXPECT_EQ(send(piece), transmitted(to_server(piece, 5)));
  EXPECT_EQ(path().stats(name(5)).packets_in, 3U);
}

TEST_P(Fragments, OfANatServersAnswer) {
  send(query());
  const auto pieces = cut(answer(query(), 5));
  for (const auto& piece : pieces.all()) EXPECT_EQ(send(piece), transmitted(to_client(piece, vip())));
  EXPECT_EQ(path().stats(name(5)).packets_out, 3U);
}

TEST_P(Fragments, ToADrServer) {
  for (const auto& piece : cut(udp(client(), vip(81))).all()) {
    EXPECT_EQ(send(piece), transmitted(piece.via(balancer_mac, real_mac(2))));
  }
}

TEST_P(Fragments, ThroughATunnelEachInItsOwnPacket) {
  for (const auto& piece : cut(udp(client(), vip(83))).all()) {
    const auto outcome = send(piece);
    ASSERT_EQ(outcome.verdict, Verdict::transmit) << outcome.reason;
    const auto outer = open_tunnel(outcome.frame);
    const auto frame = piece.bytes();
    EXPECT_EQ(outer.fault, "");
    EXPECT_EQ(outer.destination, real(3).address);
    EXPECT_EQ(outer.inner, Bytes(frame.begin() + 14, frame.end()));
  }
}

TEST_P(Fragments, BothWaysThroughFullNat) {
  const auto question = udp(client(), vip(54));
  const auto local = open(question);
  for (const auto& piece : cut(question).all()) EXPECT_EQ(send(piece), transmitted(behind(piece, local)));
  const auto reply = udp(real(1), local).via(real_mac(1), balancer_mac);
  for (const auto& piece : cut(reply).all()) EXPECT_EQ(send(piece), transmitted(before(piece, question)));
}

TEST_P(Fragments, AFullNatSegmentInFragmentsGoesWithoutToa) {
  const auto request = from_client().to(vip(82));
  const auto local = open(request.syn());
  for (const auto& piece : cut(request.ack()).all()) EXPECT_EQ(send(piece), transmitted(behind(piece, local)));
  EXPECT_EQ(path().events("toa_left_out"), 1U);
}

TEST_P(Fragments, OfAOnePacketServiceGoToOneServer) {
  for (const auto& piece : cut(udp(client(), vip(55))).all()) {
    EXPECT_EQ(send(piece), transmitted(piece.via(balancer_mac, real_mac(4))));
  }
  EXPECT_EQ(path().entries(), 0U);
}

TEST_P(Fragments, OneThatComesBeforeItsFirstIsDropped) {
  const auto pieces = cut(query());
  EXPECT_EQ(send(pieces.second), dropped("fragment"));
  EXPECT_EQ(send(pieces.first), transmitted(to_server(pieces.first, 5)));
  EXPECT_EQ(send(pieces.second), transmitted(to_server(pieces.second, 5))) << "sent again, or its twin";
}

TEST_P(Fragments, AnotherPacketsDoNotFollowThisOnes) {
  if (is_v6()) return;
  send(cut(query(), 1).first);
  EXPECT_EQ(send(cut(query(), 2).second), dropped("fragment"));
  EXPECT_EQ(send(cut(query().from(client(40000, 8)), 1).second), dropped("fragment"));
}

TEST_P(Fragments, TheFirstWentToTheKernelAndSoDoTheyAll) {
  for (const auto& piece : cut(udp(client(), vip(9999))).all()) EXPECT_EQ(send(piece), passed(piece));
}

TEST_P(Fragments, OfAServersOwnPacketsAreTheKernels) {
  for (const auto& piece : cut(udp(real(1, 53), client(53))).all()) EXPECT_EQ(send(piece), passed(piece));
}

TEST_P(Fragments, OfAConnectionThatEndedMeanwhile) {
  const auto pieces = cut(query());
  send(pieces.first);
  path().forget(query());
  EXPECT_EQ(send(pieces.second), dropped("no_connection"));
}

TEST_P(Fragments, OfAServerThatWasRemovedMeanwhile) {
  const auto pieces = cut(udp(client(), vip(55)));
  send(pieces.first);
  have(service(vip(), {server(1)}, Scheduler::rr, Protocol::udp));
  EXPECT_EQ(send(pieces.second), dropped("server_gone"));
}

TEST_P(Fragments, TheLastHopIsNotCrossed) {
  const auto pieces = cut(query());
  send(pieces.first);
  EXPECT_EQ(send(pieces.second.ttl(1)), dropped("ttl"));
}

TEST_P(Fragments, CutAtAnyByteTheyAreNotForwarded) {
  const auto pieces = cut(query());
  send(pieces.first);
  for (const auto& piece : pieces.all()) {
    const auto whole = piece.bytes();
    for (std::size_t length = 14; length < whole.size(); ++length) {
      const auto outcome = path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome.verdict == Verdict::drop) << length;
    }
  }
}

BALLAST_BOTH_FAMILIES(Fragments);

}  // namespace
}  // namespace ballast::packet
