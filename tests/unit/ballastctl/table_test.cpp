#include "tools/ballastctl/table.hpp"

#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {

TEST(Age, HasTwoUnitsAtMost) {
  EXPECT_EQ(age(0), "0 s");
  EXPECT_EQ(age(-3), "0 s") << "a clock set back";
  EXPECT_EQ(age(59.9), "59 s");
  EXPECT_EQ(age(60), "1 min");
  EXPECT_EQ(age(185), "3 min 5 s");
  EXPECT_EQ(age(3600), "1 h");
  EXPECT_EQ(age(7500), "2 h 5 min");
  EXPECT_EQ(age(86'400 * 4 + 3 * 3600 + 59 * 60), "4 d 3 h");
}

TEST(Table, AlignsColumnsWhateverTheirColourAndAlphabet) {
  Table table{{{"NAME"}, {"N", true}, {"WHY"}}, 2};
  table.row({"a", "7", "first"});
  table.note("a note", 4);
  table.row({{"größer", Colour::bad}, "1234", ""});
  EXPECT_EQ(table.render(false),
            "  NAME       N  WHY\n"
            "  a          7  first\n"
            "    a note\n"
            "  größer  1234\n");
  EXPECT_EQ(table.render(true),
            "  \x1b[2mNAME\x1b[0m       \x1b[2mN\x1b[0m  \x1b[2mWHY\x1b[0m\n"
            "  a          7  first\n"
            "    a note\n"
            "  \x1b[1;31mgrößer\x1b[0m  1234\n");
}

}  // namespace
}  // namespace ballast::ctl
