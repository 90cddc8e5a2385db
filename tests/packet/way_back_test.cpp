// NAT answers towards the client: first the way its packet came, then the way that this machine's routes say.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>

#include <fstream>

#include "tests/packet/scenario.hpp"
#include "tests/unit/netlink/network_namespace.hpp"

namespace ballast::packet {
namespace {

const auto uplink_mac = mac("02:00:00:00:00:a1");
const auto gateway_mac = mac("02:00:00:00:00:fe");
const auto other_mac = mac("02:00:00:00:00:fd");

/// In a network of its own: packets arrive at lo, and `uplink` leads to the clients' gateway.
class WayBack : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    before_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    ip("link set lo up");
    ip(fmt::format("link add uplink address {} type veth peer name far", uplink_mac));
    ip("link set uplink up");
    ip("link set far up");
    ip(fmt::format("addr add {} dev uplink", is_v6() ? "2001:db8:1::1/64 nodad" : "192.0.2.1/24"));
    ip(fmt::format("neigh add {} lladdr {} nud permanent dev uplink", gateway(), gateway_mac));
    forwards(true);
    have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp)});
    establish_nat(from_client(), 1);
  }
  void TearDown() override {
    if (before_ < 0) return;
    EXPECT_EQ(setns(before_, CLONE_NEWNET), 0);
    close(before_);
  }

  void ip(const std::string& words) {
    std::istringstream stream{words};
    std::vector<std::string> command{"ip", is_v6() ? "-6" : "-4"};
    for (std::string word; stream >> word;) command.push_back(word);
    ASSERT_EQ(test::run(command), 0) << words;
  }
  [[nodiscard]] std::string gateway() const { return is_v6() ? "2001:db8:1::fe" : "192.0.2.254"; }
  [[nodiscard]] std::string clients() const { return is_v6() ? "2001:db8:c::/64" : "198.51.0.0/24"; }
  void forwards(bool on) const {
    std::ofstream{fmt::format("/proc/sys/net/{}/conf/all/forwarding", is_v6() ? "ipv6" : "ipv4")} << (on ? "1" : "0");
  }

  [[nodiscard]] Packet response() const { return answer(from_client().ack().data("200 OK"), 1); }
  [[nodiscard]] Packet by_route(const Packet& answer, const net::MacAddress& next) const {
    return to_client(answer, vip()).via(uplink_mac, next);
  }
  [[nodiscard]] Outcome the_way_it_came() const { return transmitted(to_client(response(), vip())); }

 private:
  int before_ = -1;
};

TEST_P(WayBack, TheRoutesAreFollowed) {
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac)));
  EXPECT_EQ(path().hop(*path().flow(from_client())).ifindex, if_nametoindex("uplink"));
}

TEST_P(WayBack, AClientOnTheLinkIsReachedWithoutAGateway) {
  ip("route add " + clients() + " dev uplink");
  ip(fmt::format("neigh add {} lladdr {} nud permanent dev uplink", client().address, other_mac));
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), other_mac)));
}

TEST_P(WayBack, BehindAVlanDeviceAnswersLeaveByTheOneBelowWithItsTag) {
  ip("route add " + clients() + " via " + gateway());
  path().stands_on(if_nametoindex("uplink"), {.ifindex = if_nametoindex("far"), .vlan = {7}});
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac).vlan(7)));
  EXPECT_EQ(path().hop(*path().flow(from_client())).ifindex, if_nametoindex("far"));
}

TEST_P(WayBack, ANewConnectionFollowsThemWithItsFirstAnswer) {
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  send(query());
  EXPECT_EQ(send(answer(query(), 1)), redirected(by_route(answer(query(), 1), gateway_mac)));
  EXPECT_EQ(send(answer(query(), 1)), redirected(by_route(answer(query(), 1), gateway_mac)));
}

TEST_P(WayBack, RoutesAreAskedOncePerChange) {
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  send(response());
  ip(fmt::format("neigh replace {} lladdr {} nud permanent dev uplink", gateway(), other_mac));
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac)));
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), other_mac)));
}

TEST_P(WayBack, WithoutARouteAnswersGoTheWayTheRequestsCame) {
  path().change_routes();
  EXPECT_EQ(send(response()), the_way_it_came());
}

TEST_P(WayBack, WhereTheKernelDoesNotForwardAnswersGoTheWayTheRequestsCame) {
  forwards(false);
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  EXPECT_EQ(send(response()), the_way_it_came());
  forwards(true);
  EXPECT_EQ(send(response()), the_way_it_came()) << "asked again without a change: that costs every packet a look-up";
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac)));
}

TEST_P(WayBack, AGatewayIsUsedOnceItsMacAddressIsKnown) {
  ip(fmt::format("neigh del {} dev uplink", gateway()));
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  EXPECT_EQ(send(response()), the_way_it_came());
  ip(fmt::format("neigh add {} lladdr {} nud permanent dev uplink", gateway(), gateway_mac));
  path().let_pass(from_client(), 1);
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac)));
}

TEST_P(WayBack, ForbiddenByARouteUntilItChanges) {
  for (const auto* kind : {"unreachable", "prohibit", "blackhole"}) {
    ip(fmt::format("route add {} {}", kind, clients()));
    path().change_routes();
    EXPECT_EQ(send(response()), dropped("no_route")) << kind;
    EXPECT_EQ(send(response()), dropped("no_route")) << kind;
    ip(fmt::format("route del {} {}", kind, clients()));
  }
  ip("route add " + clients() + " via " + gateway());
  path().change_routes();
  EXPECT_EQ(send(response()), redirected(by_route(response(), gateway_mac)));
}

BALLAST_BOTH_FAMILIES(WayBack);

}  // namespace
}  // namespace ballast::packet
