#include "common/net/ip_address.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ballast::net {
namespace {

TEST(IpAddress, RoundTripsItsText) {
  for (const auto* text : {"0.0.0.0", "203.0.113.10", "255.255.255.255", "::", "2001:db8::1", "fe80::1"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const auto* text : {"", "1.2.3", "1.2.3.256", "1.2.3.4.5", "2001:db8", "g::", "1.2.3.4/24", " 1.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, AMappedAddressIsTheIpv4Address) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1").value(), IpAddress::parse("10.0.0.1").value());
}

TEST(IpAddress, TakesFourOrSixteenBytesAndNothingElse) {
  const std::array<std::uint8_t, 20> bytes{};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(IpAddress::from_bytes(std::span{bytes}.first(size)).has_value(), size == 4 || size == 16) << size;
  }
}

TEST(Endpoint, ReadsBothFamiliesAndNamesWhatIsWrong) {
  EXPECT_EQ(Endpoint::parse("10.0.0.1:80")->to_string(), "10.0.0.1:80");
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:443")->to_string(), "[2001:db8::1]:443");
  EXPECT_FALSE(Endpoint::parse("2001:db8::1:443"));
  EXPECT_FALSE(Endpoint::parse("10.0.0.1:65536"));
  EXPECT_FALSE(Endpoint::parse("10.0.0.1:"));
  EXPECT_FALSE(Endpoint::parse("10.0.0.1"));
}

TEST(Prefix, ContainsWhatSharesItsBits) {
  const auto network = Prefix::parse("10.1.2.0/23").value();
  EXPECT_TRUE(network.contains(IpAddress::parse("10.1.3.255").value()));
  EXPECT_FALSE(network.contains(IpAddress::parse("10.1.4.0").value()));
  EXPECT_FALSE(network.contains(IpAddress::parse("2001:db8::1").value()));
  EXPECT_EQ(Prefix::parse("10.0.0.1")->length, 32);
  EXPECT_EQ(Prefix::parse("2001:db8::1")->length, 128);
  EXPECT_FALSE(Prefix::parse("10.0.0.0/33"));
}

TEST(MacAddress, RoundTripsItsText) {
  EXPECT_EQ(MacAddress::parse("00:00:5e:00:01:33")->to_string(), "00:00:5e:00:01:33");
  for (const auto* text : {"", "00:00:5e:00:01", "00:00:5e:00:01:3g", "00-00-5e-00-01-33"}) {
    EXPECT_FALSE(MacAddress::parse(text)) << text;
  }
}

TEST(Json, AddressesTravelAsText) {
  EXPECT_EQ(nlohmann::json(Endpoint::parse("10.0.0.1:80").value()), "10.0.0.1:80");
  EXPECT_THROW(nlohmann::json("nonsense").get<Endpoint>(), nlohmann::json::exception);
}

}  // namespace
}  // namespace ballast::net
