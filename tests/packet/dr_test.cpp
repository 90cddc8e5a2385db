// Direct routing: the server gets the client's packet as it is, in a frame of its own.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

class Dr : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have({service(vip(), {server(1, 1, Method::dr, 80)}),
          service(vip(53), {server(1, 1, Method::dr, 53)}, Scheduler::rr, Protocol::udp)});
  }
};

TEST_P(Dr, OnlyTheMacAddressesChange) {
  for (const auto& packet :
       {from_client().syn(), from_client().ack(), from_client().ack().data("GET / HTTP/1.1\r\n\r\n"),
        from_client().fin().ack(), from_client().ack()}) {
    EXPECT_EQ(send(packet), transmitted(packet.via(balancer_mac, real_mac(1))));
  }
}

TEST_P(Dr, AnOddNumberOfBytesAndNoneInUdpAreSentOn) {
  for (const auto* text : {"", "a", "abc", "query"}) {
    const auto packet = udp(client(), vip(53)).data(text);
    EXPECT_EQ(send(packet), transmitted(packet.via(balancer_mac, real_mac(1))));
  }
}

TEST_P(Dr, TheLastHopIsNotCounted) {
  const auto packet = from_client().syn().ttl(1);
  EXPECT_EQ(send(packet), transmitted(packet.via(balancer_mac, real_mac(1)))) << "the balancer is no router here";
}

TEST_P(Dr, AServerBehindAnotherInterfaceIsReachedByRedirection) {
  interface = 2;
  apply();
  EXPECT_EQ(send(from_client().syn()), redirected(from_client().syn().via(balancer_mac, real_mac(1))));
}

TEST_P(Dr, AServersAnswersAreNotOurs) {
  send(from_client().syn());
  const auto answer = from_client().from(vip()).to(client()).syn().ack();
  EXPECT_EQ(send(answer), passed(answer));
}

TEST_P(Dr, PacketsAndBytesAreCountedForTheServer) {
  const auto data = from_client().ack().data("0123456789");
  send(from_client().syn());
  send(from_client().ack());
  send(data);
  const auto stats = path().stats(name(1, 80));
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_EQ(stats.packets_in, 3U);
  EXPECT_EQ(stats.bytes_in, 2 * from_client().ip_bytes() + data.ip_bytes());
  EXPECT_EQ(stats.packets_out, 0U);
}

BALLAST_BOTH_FAMILIES(Dr);

}  // namespace
}  // namespace ballast::packet
