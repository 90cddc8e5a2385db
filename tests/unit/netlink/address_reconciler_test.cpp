#include "common/netlink/address_reconciler.hpp"

#include <gmock/gmock.h>

namespace ballast::netlink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Address address(int link, const char* prefix, std::uint8_t protocol = ballast_address_protocol) {
  Address made;
  made.link = link;
  made.prefix = *net::Prefix::parse(prefix);
  made.protocol = protocol;
  return made;
}

TEST(AddressReconciler, NothingToDoWhenAllIsThere) {
  const std::vector vip{address(2, "203.0.113.10/32")};
  EXPECT_TRUE(reconcile_addresses(vip, vip).empty());
}

TEST(AddressReconciler, AddsWhatIsMissing) {
  const auto missing = address(2, "2001:db8::10/128");
  const auto changes = reconcile_addresses({address(2, "203.0.113.10/32"), missing}, {address(2, "203.0.113.10/32")});
  EXPECT_THAT(changes.add, ElementsAre(missing));
  EXPECT_THAT(changes.remove, IsEmpty());
}

TEST(AddressReconciler, RemovesOursAndNobodyElses) {
  const auto ours = address(2, "203.0.113.10/32");
  const auto foreign = address(2, "10.0.0.2/24", 0);
  const auto changes = reconcile_addresses({}, {foreign, ours});
  EXPECT_THAT(changes.remove, ElementsAre(ours));
}

TEST(AddressReconciler, AnUnmarkedAddressOnTheOwnedListIsOurs) {
  const auto unmarked = address(2, "203.0.113.10/32", 0);
  EXPECT_THAT(reconcile_addresses({}, {unmarked}, {unmarked}).remove, ElementsAre(unmarked));
  EXPECT_THAT(reconcile_addresses({}, {unmarked}, {address(3, "203.0.113.10/32")}).remove, IsEmpty());
}

TEST(AddressReconciler, TheSameAddressElsewhereIsAnother) {
  const auto wanted = address(2, "203.0.113.10/32");
  const auto elsewhere = address(3, "203.0.113.10/32");
  const auto wider = address(2, "203.0.113.10/24");
  const auto changes = reconcile_addresses({wanted}, {elsewhere, wider});
  EXPECT_THAT(changes.add, ElementsAre(wanted));
  EXPECT_THAT(changes.remove, ElementsAre(elsewhere, wider));
}

TEST(AddressReconciler, AnotherLabelMeansRemoveThenAdd) {
  auto wanted = address(2, "203.0.113.10/32");
  wanted.label = "eth0:vip";
  auto actual = address(2, "203.0.113.10/32");
  actual.label = "eth0";
  const auto changes = reconcile_addresses({wanted}, {actual});
  EXPECT_THAT(changes.remove, ElementsAre(actual));
  EXPECT_THAT(changes.add, ElementsAre(wanted));
}

TEST(AddressReconciler, TheKernelsDefaultLabelAndFlagsAreNoDifference) {
  auto actual = address(2, "203.0.113.10/32");
  actual.label = "eth0";
  actual.flags = 0x80;
  EXPECT_TRUE(reconcile_addresses({address(2, "203.0.113.10/32")}, {actual}).empty());
}

TEST(AddressReconciler, AForeignAddressThatDiffersIsLeftAlone) {
  auto wanted = address(2, "203.0.113.10/32");
  wanted.scope = 253;
  EXPECT_TRUE(reconcile_addresses({wanted}, {address(2, "203.0.113.10/32", 0)}).empty());
}

TEST(AddressReconciler, AnAddressWantedTwiceIsAddedOnce) {
  const auto wanted = address(2, "203.0.113.10/32");
  EXPECT_THAT(reconcile_addresses({wanted, wanted}, {}).add, ElementsAre(wanted));
}

}  // namespace
}  // namespace ballast::netlink
