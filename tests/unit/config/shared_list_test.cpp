#include "common/config/shared_list.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ballast::config {
namespace {

using List = SharedList<std::string>;

TEST(SharedList, ACopySharesItsElements) {
  const List list{"a", "b"};
  const List copy = list;
  EXPECT_EQ(&list[0], &copy[0]);
  EXPECT_EQ(list, copy);
}

TEST(SharedList, WritingToACopyLeavesTheOtherAsItIs) {
  const List list{"a", "b"};
  List copy = list;
  copy[1] = "c";
  copy.back() += "!";
  EXPECT_EQ(list, (List{"a", "b"}));
  EXPECT_EQ(copy, (List{"a", "c!"}));
  EXPECT_EQ(&list[0], &std::as_const(copy)[0]) << "what was not written to is still shared";
}

TEST(SharedList, EqualValuesAreEqualWhereverTheyStand) {
  EXPECT_EQ((List{"a"}), (List{"a"}));
  EXPECT_FALSE((List{"a"}) == (List{"b"}));
  EXPECT_FALSE((List{"a"}) == (List{"a", "a"}));
}

TEST(SharedList, ElementsMoveFromOneListToAnother) {
  const List list{"a", "b"};
  List other;
  other.push_back(list.shared(1));
  EXPECT_EQ(&std::as_const(other)[0], &list[1]);
  other[0] = "x";
  EXPECT_EQ(list[1], "b");
}

TEST(SharedList, IsARangeThatAlgorithmsTake) {
  List list{"a", "b", "c"};
  EXPECT_EQ(std::ranges::find(list, "b") - list.begin(), 1);
  erase_if(list, [](const std::string& each) { return each == "b"; });
  EXPECT_EQ(list, (List{"a", "c"}));
  EXPECT_EQ(nlohmann::json(list).get<List>(), list);
}

}  // namespace
}  // namespace ballast::config
