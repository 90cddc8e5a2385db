// `ballastctl top`: rates from two looks at the counters.
#include "tools/ballastctl/top.hpp"

#include <gmock/gmock.h>

namespace ballast::ctl {
namespace {

bus::ServiceServer server(std::uint64_t packets, std::uint64_t bytes, std::uint64_t connections) {
  bus::ServiceServer made;
  made.address = "10.0.0.1";
  made.port = 80;
  made.packets_in = packets;
  made.bytes_in = bytes;
  made.connections = connections;
  made.active = 5;
  return made;
}

Sample sample(double time, bus::ServiceServer server) {
  Sample made{time, {}};
  made.services.emplace_back().name = "tcp:203.0.113.10:80";
  made.services.back().servers.push_back(std::move(server));
  return made;
}

TEST(Top, RatesAreDifferencesByTheTimeBetween) {
  const auto rates = rates_between(sample(100, server(1000, 100'000, 10)), sample(102, server(3000, 300'000, 30)));
  ASSERT_EQ(rates.size(), 1U);
  EXPECT_EQ(rates[0].total.name, "tcp:203.0.113.10:80");
  EXPECT_DOUBLE_EQ(rates[0].total.packets_in, 1000);
  EXPECT_DOUBLE_EQ(rates[0].servers[0].bits_in, 800'000);
  EXPECT_DOUBLE_EQ(rates[0].servers[0].connections, 10);
  EXPECT_EQ(rates[0].servers[0].name, "10.0.0.1:80");
  EXPECT_EQ(rates[0].total.active, 5U);
}

TEST(Top, CountersThatBeganAnewCountFromZero) {
  const auto rates = rates_between(sample(100, server(1000, 100'000, 10)), sample(101, server(50, 5000, 1)));
  EXPECT_DOUBLE_EQ(rates[0].total.packets_in, 50);
}

TEST(Top, AServerThatWasNotThereCountsFromZero) {
  const auto rates = rates_between({100, {}}, sample(101, server(50, 5000, 1)));
  EXPECT_DOUBLE_EQ(rates[0].total.packets_in, 50);
}

TEST(Top, NumbersAreReadableAtEverySize) {
  EXPECT_EQ(with_unit(0), "0");
  EXPECT_EQ(with_unit(999), "999");
  EXPECT_EQ(with_unit(1234), "1.23 k");
  EXPECT_EQ(with_unit(12345), "12.3 k");
  EXPECT_EQ(with_unit(123456789), "123 M");
  EXPECT_EQ(with_unit(9.9e13), "99.0 T");
}

TEST(Top, TheTableHasALineForEachServiceAndServer) {
  const auto text = render_rates(rates_between({100, {}}, sample(101, server(50, 5000, 1))), false);
  EXPECT_THAT(text, ::testing::HasSubstr("tcp:203.0.113.10:80"));
  EXPECT_THAT(text, ::testing::HasSubstr("  10.0.0.1:80"));
  EXPECT_EQ(render_rates({}, false), "no service\n");
}

}  // namespace
}  // namespace ballast::ctl
