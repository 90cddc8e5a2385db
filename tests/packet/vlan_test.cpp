// VLAN tags: IEEE 802.1Q, two of 802.1ad; frames leave with those of the way on, whatever they came with.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Vlan : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({service(vip(), {server(1)}), service(vip(81), {server(2, 1, Method::dr, 81)})});
  }
  [[nodiscard]] Packet direct() const { return tcp(client(), vip(81)); }
  [[nodiscard]] Packet to_direct(const Packet& packet) const { return packet.via(balancer_mac, real_mac(2)); }
};

TEST_P(Vlan, ATagOfTheClientsSideDoesNotReachAServerWithout) {
  for (const auto& packet : {direct().syn().vlan(7), direct().ack().vlans(100, 7), direct().ack().vlan(0xe000)}) {
    EXPECT_EQ(send(packet), transmitted(to_direct(packet.untagged())));
  }
}

TEST_P(Vlan, AServersVlanIsPutOn) {
  vlan = {9};
  apply();
  EXPECT_EQ(send(direct().syn()), transmitted(to_direct(direct().syn()).vlan(9)));
  EXPECT_EQ(send(direct().ack().vlan(7)), transmitted(to_direct(direct().ack()).vlan(9)));
  EXPECT_EQ(send(direct().ack().vlans(100, 7)), transmitted(to_direct(direct().ack()).vlan(9)));
  EXPECT_EQ(send(from_client().syn().vlan(9)), transmitted(to_server(from_client().syn(), 1).vlan(9)));
}

TEST_P(Vlan, AServerBehindTwoTags) {
  vlan = {100, 9};
  apply();
  for (const auto& packet : {direct().syn(), direct().ack().vlan(7), direct().ack().vlans(3, 4)}) {
    EXPECT_EQ(send(packet), transmitted(to_direct(packet.untagged()).vlans(100, 9)));
  }
}

TEST_P(Vlan, APriorityIsKeptWhereTheTagStays) {
  vlan = {9};
  apply();
  EXPECT_EQ(send(direct().syn().vlan(0xa009)), transmitted(to_direct(direct().syn()).vlan(0xa009)));
}

TEST_P(Vlan, TheAnswerGoesToTheClientsVlan) {
  send(from_client().syn().vlan(7));
  const auto accepted = answer(from_client(), 1).syn().ack();
  EXPECT_EQ(send(accepted), transmitted(to_client(accepted, vip()).vlan(7)));
  send(from_client(1).syn().vlans(100, 7));
  const auto other = answer(from_client(1), 1).syn().ack().vlan(9);
  EXPECT_EQ(send(other), transmitted(to_client(other.untagged(), vip()).vlans(100, 7)));
}

TEST_P(Vlan, ThreeTagsAreTheKernels) {
  auto frame = direct().syn().vlans(3, 4).bytes();
  const Bytes tag{0x81, 0, 0, 5};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  EXPECT_EQ(path().send(frame).verdict, Verdict::pass);
}

TEST_P(Vlan, CutInATagIsNotOurs) {
  const auto whole = direct().syn().vlans(100, 7).bytes();
  for (std::size_t length = 14; length < 22; ++length) {
    EXPECT_EQ(path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).verdict,
              Verdict::pass);
  }
}

BALLAST_BOTH_FAMILIES(Vlan);

}  // namespace
}  // namespace ballast::packet
