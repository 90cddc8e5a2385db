#include "daemons/forwardd/xdp/exit.hpp"

#include <gmock/gmock.h>

namespace ballast::forwardd::xdp {
namespace {

netlink::Link device(int index, const char* kind = "", int below = 0, unsigned vlan = 0) {
  netlink::Link link;
  link.index = index;
  link.peer_index = below;
  link.kind = kind;
  link.vlan = static_cast<std::uint16_t>(vlan);
  return link;
}

std::map<int, netlink::Link> links(const std::vector<netlink::Link>& all) {
  std::map<int, netlink::Link> made;
  for (const auto& link : all) made[link.index] = link;
  return made;
}

Exit exit(unsigned ifindex, unsigned outer = 0, unsigned inner = 0) {
  return {ifindex, {static_cast<std::uint16_t>(outer), static_cast<std::uint16_t>(inner)}};
}

TEST(Exits, APhysicalDeviceIsItsOwn) { EXPECT_EQ(exit_of(2, links({device(2)})), exit(2)); }

TEST(Exits, AVethsPeerIsNotBelowIt) {
  EXPECT_EQ(exit_of(2, links({device(2, "veth", 3), device(3, "veth", 2)})), exit(2));
}

TEST(Exits, AVlanDeviceLeavesByTheOneBelowWithItsTag) {
  const auto all = links({device(2), device(5, "vlan", 2, 7)});
  EXPECT_EQ(exit_of(5, all), exit(2, 7));
  EXPECT_EQ(exits_of(all), (std::map<std::uint32_t, Exit>{{5, exit(2, 7)}}));
}

TEST(Exits, OfAVlanInAVlanTheLowerTagIsTheOuter) {
  EXPECT_EQ(exit_of(6, links({device(2), device(5, "vlan", 2, 100), device(6, "vlan", 5, 7)})), exit(2, 100, 7));
}

TEST(Exits, AMacvlanHasNoTag) {
  EXPECT_EQ(exit_of(6, links({device(2), device(6, "macvlan", 2)})), exit(2));
  EXPECT_EQ(exit_of(7, links({device(2), device(6, "vlan", 2, 9), device(7, "macvlan", 6)})), exit(2, 9));
}

TEST(Exits, ThreeTagsAreMoreThanTheDataPathPuts) {
  const auto all = links({device(2), device(5, "vlan", 2, 1), device(6, "vlan", 5, 2), device(7, "vlan", 6, 3)});
  EXPECT_EQ(exit_of(7, all), exit(7));
}

TEST(Exits, ADeviceBelowThatIsNotThisNamespacesIsNotFollowed) {
  auto contained = device(5, "macvlan", 2);
  contained.peer_elsewhere = true;
  EXPECT_EQ(exit_of(5, links({device(2), contained})), exit(5));
  EXPECT_EQ(exit_of(5, links({device(5, "vlan", 99, 7)})), exit(5)) << "the one below is not known";
}

TEST(Exits, ALoopEnds) { EXPECT_EQ(exit_of(5, links({device(5, "macvlan", 6), device(6, "macvlan", 5)})), exit(5)); }

}  // namespace
}  // namespace ballast::forwardd::xdp
