#include "tools/ballastctl/duration.hpp"

#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {

TEST(Duration, ANumberWithItsUnit) {
  EXPECT_EQ(parse_duration("90").value(), 90);
  EXPECT_EQ(parse_duration("90s").value(), 90);
  EXPECT_EQ(parse_duration("10m").value(), 600);
  EXPECT_EQ(parse_duration("1.5h").value(), 5400);
  EXPECT_EQ(parse_duration("2d").value(), 172800);
}

TEST(Duration, AnythingElseIsRefused) {
  for (const std::string_view text : {"", "0", "-1", "m", "10 m", "10minutes", "1e9", "400d", "nan", "inf", "1,5h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace ballast::ctl
