#include "tools/webhook/policy.hpp"

#include <gmock/gmock.h>

namespace ballast::webhook {
namespace {

using namespace std::chrono_literals;

TEST(Fate, FollowsFromTheStatus) {
  for (const unsigned status : {200U, 202U, 204U, 299U}) EXPECT_EQ(fate_of(status), Fate::delivered) << status;
  for (const unsigned status : {408U, 429U, 500U, 503U, 599U}) EXPECT_EQ(fate_of(status), Fate::again) << status;
  for (const unsigned status : {100U, 301U, 307U, 400U, 401U, 404U, 410U})
    EXPECT_EQ(fate_of(status), Fate::refused) << status;
}

TEST(Pause, IsDoubledUpToABoundAndSpread) {
  EXPECT_EQ(pause_before(2, 0), 1s);
  EXPECT_EQ(pause_before(3, 0), 2s);
  EXPECT_EQ(pause_before(6, 0), 16s);
  EXPECT_EQ(pause_before(8, 0), 48s);
  EXPECT_EQ(pause_before(100, 0), 48s);
  EXPECT_EQ(pause_before(2, 0.5), 1125ms);
  EXPECT_LE(pause_before(100, 0.999), 60s);
}

}  // namespace
}  // namespace ballast::webhook
