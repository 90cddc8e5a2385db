#include "daemons/forwardd/tables.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace ballast::forwardd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Servers 10.0.0.1 upwards of these weights, with indices 1 upwards.
std::vector<TableServer> servers(std::initializer_list<std::uint32_t> weights) {
  std::vector<TableServer> made;
  for (const auto weight : weights) {
    const auto number = static_cast<std::uint32_t>(made.size() + 1);
    made.push_back({*net::Endpoint::parse(fmt::format("10.0.0.{}:80", number)), number, weight});
  }
  return made;
}

std::map<std::uint32_t, std::size_t> shares(const std::vector<std::uint32_t>& table) {
  std::map<std::uint32_t, std::size_t> counts;
  for (const auto slot : table) ++counts[slot];
  return counts;
}

TEST(RoundRobin, EqualWeightsTakeTurns) { EXPECT_THAT(round_robin_table(servers({7, 7, 7})), ElementsAre(1, 2, 3)); }

TEST(RoundRobin, AHeavyServersTurnsAreSpread) {
  EXPECT_THAT(round_robin_table(servers({5, 1, 1})), ElementsAre(1, 1, 2, 1, 3, 1, 1));
}

TEST(RoundRobin, WeightsAreDividedByTheirGreatestCommonDivisor) {
  EXPECT_THAT(round_robin_table(servers({300, 100})), ElementsAre(1, 1, 2, 1));
}

TEST(RoundRobin, WeightZeroIsInNoSlot) {
  EXPECT_THAT(round_robin_table(servers({1, 0, 1})), ElementsAre(1, 3));
  EXPECT_THAT(round_robin_table(servers({0, 0})), IsEmpty());
  EXPECT_THAT(round_robin_table({}), IsEmpty());
}

TEST(RoundRobin, ALongCycleIsScaledByProportionAndLosesNoServer) {
  const auto table = round_robin_table(servers({65535, 32768, 1}));
  EXPECT_LE(table.size(), round_robin_slots_max + 1);
  const auto counts = shares(table);
  EXPECT_EQ(counts.at(3), 1U);
  EXPECT_NEAR(static_cast<double>(counts.at(1)) / static_cast<double>(counts.at(2)), 2.0, 0.01);
}

TEST(Maglev, SharesAreAsTheWeights) {
  const auto counts = shares(maglev_table(servers({1, 2, 3, 0})));
  EXPECT_NEAR(static_cast<double>(counts.at(1)), maglev_slots / 6.0, maglev_slots * 0.005);
  EXPECT_NEAR(static_cast<double>(counts.at(2)), maglev_slots / 3.0, maglev_slots * 0.005);
  EXPECT_NEAR(static_cast<double>(counts.at(3)), maglev_slots / 2.0, maglev_slots * 0.005);
  EXPECT_EQ(counts.count(4), 0U);
}

TEST(Maglev, TheOrderInTheConfigurationDoesNotMatter) {
  auto reversed = servers({1, 2, 3});
  std::ranges::reverse(reversed);
  EXPECT_EQ(maglev_table(reversed), maglev_table(servers({1, 2, 3})));
}

TEST(Maglev, TheTableIsTheSameInEveryVersion) {
  // Another table here would move the clients of a cluster whose nodes are upgraded one by one.
  EXPECT_THAT(maglev_table(servers({1, 1, 1}), 13), ElementsAre(3, 3, 2, 1, 3, 2, 3, 1, 2, 1, 1, 1, 2));
}

TEST(Maglev, ARemovedServerMovesFewOfTheOthersSlots) {
  auto all = servers({1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  const auto before = maglev_table(all);
  all.erase(all.begin() + 4);
  const auto after = maglev_table(all);
  std::size_t kept = 0;
  std::size_t moved = 0;
  for (std::size_t slot = 0; slot < before.size(); ++slot) {
    if (before[slot] == 5) continue;
    ++(before[slot] == after[slot] ? kept : moved);
  }
  EXPECT_LT(static_cast<double>(moved), 0.06 * static_cast<double>(kept + moved));
}

TEST(Maglev, OneServerHasAllAndNoneHasNothing) {
  EXPECT_THAT(shares(maglev_table(servers({9}))), ElementsAre(std::pair{1U, std::size_t{maglev_slots}}));
  EXPECT_THAT(maglev_table(servers({0})), IsEmpty());
}

TEST(List, NamesEachWeightedServerOnce) { EXPECT_THAT(list_table(servers({5, 0, 1})), UnorderedElementsAre(1, 3)); }

}  // namespace
}  // namespace ballast::forwardd
