#include "daemons/vrrpd/protocol/address_check.hpp"

#include <gmock/gmock.h>

namespace ballast::vrrpd {
namespace {

using net::IpAddress;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

bool same(const std::vector<IpAddress>& theirs, const std::vector<IpAddress>& ours, std::string_view from) {
  const auto source = ip(from);
  const auto group = multicast_group(source.family());
  std::vector<std::uint8_t> bytes;
  encode({3, 51, 100, std::chrono::seconds{1}, theirs}, source, group, ChecksumForm::pseudo_header, bytes);
  const auto decoded = decode({source, group, 255, bytes}, {3, 51, {}, true});
  return same_addresses(decoded.value(), source.family(), ours);
}

TEST(AddressCheck, TheOrderDoesNotMatter) {
  EXPECT_TRUE(same({ip("10.0.0.1"), ip("10.0.0.2")}, {ip("10.0.0.2"), ip("10.0.0.1")}, "10.0.0.9"));
  EXPECT_TRUE(same({ip("fe80::1"), ip("2001:db8::1")}, {ip("2001:db8::1"), ip("fe80::1")}, "fe80::9"));
}

TEST(AddressCheck, MoreFewerOrOthersAreNotTheSame) {
  EXPECT_FALSE(same({ip("10.0.0.1"), ip("10.0.0.2")}, {ip("10.0.0.1")}, "10.0.0.9"));
  EXPECT_FALSE(same({ip("10.0.0.1")}, {ip("10.0.0.1"), ip("10.0.0.2")}, "10.0.0.9"));
  EXPECT_FALSE(same({ip("10.0.0.1")}, {ip("10.0.0.3")}, "10.0.0.9"));
}

TEST(AddressCheck, AnotherFamilyIsNotAdvertised) {
  EXPECT_TRUE(same({ip("10.0.0.1")}, {ip("10.0.0.1"), ip("2001:db8::1")}, "10.0.0.9"));
}

}  // namespace
}  // namespace ballast::vrrpd
