#include "common/netlink/route_reconciler.hpp"

#include <gmock/gmock.h>
#include <linux/icmpv6.h>

namespace ballast::netlink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RouteEntry route(const char* destination, const char* gateway = nullptr, int link = 2) {
  RouteEntry made;
  made.destination = *net::Prefix::parse(destination);
  NextHop hop;
  hop.link = link;
  if (gateway != nullptr) hop.gateway = *net::IpAddress::parse(gateway);
  made.hops = {hop};
  return made;
}

RouteEntry by_other(RouteEntry entry) {
  entry.protocol = RTPROT_STATIC;
  return entry;
}

TEST(RouteReconciler, AddsWhatIsMissingAndRemovesWhatIsOurs) {
  const auto wanted = route("10.1.0.0/16", "192.0.2.1");
  const auto old = route("10.2.0.0/16", "192.0.2.1");
  const auto changes = reconcile_routes({wanted}, {old, by_other(route("10.3.0.0/16"))});
  EXPECT_THAT(changes.add, ElementsAre(wanted));
  EXPECT_THAT(changes.remove, ElementsAre(old));
  EXPECT_TRUE(reconcile_routes({wanted}, {wanted}).empty());
}

TEST(RouteReconciler, ReplacesARouteThatHasAnotherGateway) {
  const auto changes = reconcile_routes({route("10.1.0.0/16", "192.0.2.9")}, {route("10.1.0.0/16", "192.0.2.1")});
  EXPECT_THAT(changes.add, ElementsAre(route("10.1.0.0/16", "192.0.2.9")));
  EXPECT_THAT(changes.remove, ElementsAre(route("10.1.0.0/16", "192.0.2.1")));
}

TEST(RouteReconciler, TakesTheKernelsWordForTheInterfaceOfAGateway) {
  EXPECT_TRUE(reconcile_routes({route("10.1.0.0/16", "192.0.2.1", 0)}, {route("10.1.0.0/16", "192.0.2.1", 7)}).empty());
  EXPECT_FALSE(
      reconcile_routes({route("10.1.0.0/16", "192.0.2.1", 3)}, {route("10.1.0.0/16", "192.0.2.1", 7)}).empty());
}

TEST(RouteReconciler, KnowsTheKernelsDefaultsOfIpv6) {
  auto told = route("2001:db8::/32", "fe80::1");
  told.metric = 1024;
  EXPECT_TRUE(reconcile_routes({route("2001:db8::/32", "fe80::1")}, {told}).empty());
  told.preference = ICMPV6_ROUTER_PREF_HIGH;
  EXPECT_FALSE(reconcile_routes({route("2001:db8::/32", "fe80::1")}, {told}).empty());
}

TEST(RouteReconciler, ComparesNextHopsInAnyOrder) {
  auto wanted = route("10.1.0.0/16", "192.0.2.1");
  wanted.hops.push_back({2, *net::IpAddress::parse("192.0.2.2"), 4, false, 0});
  auto told = wanted;
  std::ranges::reverse(told.hops);
  EXPECT_TRUE(reconcile_routes({wanted}, {told}).empty());
  told.hops.back().weight = 9;
  EXPECT_FALSE(reconcile_routes({wanted}, {told}).empty());
}

TEST(RouteReconciler, RemovesARouteOfAnotherProtocolOnlyIfItIsKnownAsOurs) {
  const auto birds = by_other(route("10.1.0.0/16", "192.0.2.1"));
  EXPECT_TRUE(reconcile_routes({}, {birds}).empty());
  EXPECT_THAT(reconcile_routes({}, {birds}, {birds}).remove, ElementsAre(birds));
}

TEST(RouteReconciler, AddsWhatIsAskedForTwiceOnce) {
  const auto wanted = route("10.1.0.0/16");
  EXPECT_THAT(reconcile_routes({wanted, wanted}, {}).add, ElementsAre(wanted));
}

TEST(RuleReconciler, ComparesAllThatARuleSays) {
  RuleEntry wanted;
  wanted.priority = 500;
  wanted.from = *net::Prefix::parse("10.0.0.0/8");
  wanted.table = 100;
  EXPECT_TRUE(reconcile_rules({wanted}, {wanted}).empty());
  auto other = wanted;
  other.input = "eth0";
  const auto changes = reconcile_rules({wanted}, {other});
  EXPECT_THAT(changes.add, ElementsAre(wanted));
  EXPECT_THAT(changes.remove, ElementsAre(other));
  other.protocol = RTPROT_KERNEL;
  EXPECT_THAT(reconcile_rules({wanted}, {other}).remove, IsEmpty());
}

}  // namespace
}  // namespace ballast::netlink
