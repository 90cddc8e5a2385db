// LIPs of full NAT: ranges side by side, and connections that keep theirs.
#include "tests/unit/forwardd/planning.hpp"

namespace ballast::forwardd::xdp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PlannerTest, ConnectionsByFullNatKeepTheirLocalAddressesWhenTheServiceHasNone) {
  for (auto& each : web().servers) each.method = config::Method::fnat;
  have_locals(web(), {"10.0.0.8", "10.0.0.9"});
  busy = {index_of(web_name, "10.0.0.2:80")};
  for (auto& each : web().servers) each.method = config::Method::nat;
  have_locals(web(), {});
  run();
  EXPECT_EQ(range4().count, 0);
  EXPECT_EQ(used_locals(), 2U);
  const auto bit = filter_bit(ip("10.0.0.9"));
  EXPECT_NE(maps.filters.local[bit / 8] & 1U << (bit % 8), 0);
  busy.clear();
  run();
  EXPECT_EQ(used_locals(), 0U);
}

TEST_F(PlannerTest, AServiceHasItsLocalAddressesSideBySideOneRangeAFamily) {
  web().client_address = config::ClientAddress::proxy_v2;
  have_locals(web(), {"10.0.1.1", "fd00:1::1", "10.0.1.2", "10.0.1.1"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2"));
  EXPECT_THAT(locals_in(range6()), ElementsAre("fd00:1::1"));
  EXPECT_GT(range4().first, 0) << "index 0 is none";
  EXPECT_EQ(maps.services[plan.services[web_name].index].client_address, layout::CLIENT_PROXY_V2);
  run();
  EXPECT_THAT(plan.changes, IsEmpty());
}

TEST_F(PlannerTest, ALocalAddressThatStaysKeepsItsIndexAndGeneration) {
  have_locals(web(), {"10.0.1.1", "10.0.1.2"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.3", "10.0.1.2", "10.0.1.1"});
  EXPECT_EQ(range4().first, first);
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  have_locals(web(), {"10.0.1.2", "10.0.1.4", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.4", "10.0.1.2", "10.0.1.3"));
  EXPECT_EQ(maps.locals[first].generation, 2U) << "its connections are another LIP's";
  EXPECT_EQ(maps.locals[first + 1].generation, 1U);
}

TEST_F(PlannerTest, ARangeHasNoHolesAndAMovedLocalAddressKeepsItsConnections) {
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.2", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.3", "10.0.1.2"));
  EXPECT_EQ(maps.locals[first + 2].used, 1U) << "connections lead to it still";
  EXPECT_EQ(maps.locals[first + 2].generation, 1U);
  have_locals(web(), {"10.0.1.2"});
  EXPECT_EQ(used_locals(), 2U) << "10.0.1.2 where it is and where it was";
  have_locals(web(), {});
  EXPECT_EQ(used_locals(), 0U);
}

TEST_F(PlannerTest, ARangeThatCannotGrowMovesAndItsConnectionsStay) {
  web().local_addresses = {ip("10.0.1.1")};
  desired.services.push_back(service("203.0.113.11:80", {server("10.0.0.1:80")}));
  have_locals(desired.services[1], {"10.0.1.1"});
  const auto first = range4().first;
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  EXPECT_NE(range4().first, first);
  EXPECT_EQ(maps.locals[first].used, 1U);
  EXPECT_EQ(maps.locals[first].generation, 1U);
}

TEST_F(PlannerTest, OneFamilyDoesNotDisturbTheOther) {
  have_locals(web(), {"10.0.1.1", "fd00:1::1"});
  const auto six = range6().first;
  have_locals(web(), {"10.0.1.1", "10.0.1.2", "10.0.1.3", "fd00:1::1"});
  EXPECT_THAT(locals_in(range4()), ElementsAre("10.0.1.1", "10.0.1.2", "10.0.1.3"));
  EXPECT_EQ(range6().first, six);
  EXPECT_EQ(maps.locals[six].generation, 1U);
}

TEST_F(PlannerTest, TooManyLocalAddressesAreAnErrorThatNamesTheService) {
  std::vector<std::string> many;
  for (int i = 1; i <= 16; ++i) many.push_back(fmt::format("10.0.1.{}", i));
  have_locals(web(), many);
  ASSERT_THAT(plan.errors, SizeIs(1));
  EXPECT_EQ(plan.errors[0].message,
            "service tcp:203.0.113.10:80: the data path has room for 15 local addresses of all services, and too few "
            "are left for its 16");
  EXPECT_EQ(range4().count, 0);
}

}  // namespace
}  // namespace ballast::forwardd::xdp
